package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/google/go-cmp/cmp"
)

// refusal is what a server answers about a module of proxy.example, or of the
// host before the slash, to one who has sent what is known.
type refusal struct {
	status int
	module string
	after  time.Duration
}

// refusals are refusals of several modules, one after the other.
func refusals(status int, modules string) []refusal {
	var all []refusal
	for module := range strings.FieldsSeq(modules) {
		all = append(all, refusal{status: status, module: module})
	}
	return all
}

func (r refusal) url() string {
	host, module, ok := strings.Cut(r.module, "/")
	if !ok {
		host, module = "proxy.example", r.module
	}
	return "https://" + host + "/" + module + "/@v/list"
}

// Whoever may ask can have servers answer 404 as often as he likes. Commands
// are not run as often.
func TestRunsAfterRefusalsAreFew(t *testing.T) {
	const (
		silent  = "exit 0"
		failing = "exit 1"
		aPath   = `test -n "$1" || printf 'https://proxy.example/private\n\nAuthorization: token\n\n'`
		another = `test -n "$1" || printf 'https://other.example\n\nAuthorization: token\n\n'`
		some    = `case "$1" in */x/@v/list) printf "$1"'\n\nAuthorization: token\n\n';; esac`
		each    = `test -z "$1" || printf "$1"'\n\nAuthorization: token\n\n'`
	)
	tests := []struct {
		name, content string
		refusals      []refusal
		want          string // the modules that the command was asked about
	}{
		{"not found", silent, refusals(404, "a b c a"), "a"},
		{"not found, and it fails", failing, refusals(404, "a b c a"), "a"},
		{"not found a moment later", silent, []refusal{{404, "a", 0}, {404, "b", 9 * time.Second}}, "a"},
		{"not found a while later", silent, []refusal{{404, "a", 0}, {404, "b", 10 * time.Second}, {404, "c", 0}}, "a b"},
		{"not found on several hosts", silent, refusals(404, "a b other.example/a other.example/b"), "a other.example/a"},
		{"not found on a host of another name", another, refusals(404, "a b"), "a"},
		{"not found where others must say who they are", silent, append(refusals(401, "a"), refusals(404, "b c d e f g")...), "a b c d e"},
		{"not found where others are forbidden", silent, append(refusals(403, "a"), refusals(404, "b c d e f g")...), "a b c d e"},
		{"not found where other paths want credentials", aPath, refusals(404, "a b c d e f g"), "a b c d"},
		{"not found, then and now", aPath, append(refusals(404, "a b c d e"), refusal{404, "f", 10 * time.Second}, refusal{404, "g", 0}), "a b c d f g"},
		{"who is it", silent, refusals(401, "a b c d e f g"), "a b c d"},
		{"forbidden", failing, refusals(403, "a b c d e f g"), "a b c d"},
		{"who is it, among what is not found", silent, append(refusals(404, "a b c"), refusals(401, "d")...), "a d"},
		{"forbidden, then who is it", silent, append(refusals(403, "a b c d e"), refusals(401, "f")...), "a b c d f"},
		{"who is it, and it is not understood", "echo hello", refusals(401, "a b c"), "a"},
		{"one has its own among those that have none", some, refusals(401, "a b c x d e f g h"), "a b c x d e f g"},
		{"each has its own", each, append(refusals(404, "a b c d e f g"), refusals(401, "h i j k l m")...), "a b c d e f g h i j k l m"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			goauth, notes := script(t, test.content)
			synctest.Test(t, func(t *testing.T) {
				c := must(t)(auth.New(goauth, &auth.Options{Timeout: -1}))
				for _, r := range test.refusals {
					time.Sleep(r.after)
					refreshAfter(t, c, r.status, r.url(), authorization(t, c, r.url()))
				}
			})
			want := []string{"run"}
			for module := range strings.FieldsSeq(test.want) {
				want = append(want, "run "+refusal{module: module}.url())
			}
			if diff := cmp.Diff(want, runs(t, notes)); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

// held returns a command that does not end before release is called.
func held(t testing.TB, content string) (c upstream.Credentials, notes string, release func()) {
	t.Helper()
	goauth, notes := script(t, `while test -n "$1" -a -e "$HOLD"; do sleep 0.01; done; `+content)
	hold := filepath.Join(t.TempDir(), "hold")
	write(t, hold, "")
	c = must(t)(auth.New(goauth, &auth.Options{Env: append(os.Environ(), "HOLD="+hold)}))
	return c, notes, func() {
		if err := os.Remove(hold); err != nil {
			t.Error(err)
		}
	}
}

func waitForRuns(t testing.TB, notes string, n int) {
	t.Helper()
	for len(runs(t, notes)) < n && t.Context().Err() == nil {
		runtime.Gosched()
	}
}

func TestMissesShareARun(t *testing.T) {
	c, notes, release := held(t, "exit 0")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if got := refreshAfter(t, c, 404, fmt.Sprintf("https://proxy.example/a%d/@v/list", i), ""); got != "" {
				t.Errorf("sent %q", got)
			}
		})
	}
	waitForRuns(t, notes, 2)
	release()
	wg.Wait()
	if lines := runs(t, notes); len(lines) != 2 {
		t.Errorf("runs: %q, want one without a URL and one with", lines)
	}
}

// What is learned of one module does for all of the host, and what is not does
// not stand in the way of another's own.
func TestRefusedAtTheSameTime(t *testing.T) {
	tests := []struct {
		name, content string
		status, want  int
	}{
		{"for the host, unauthorized", `test -z "$1" || ` + fresh("token"), 401, 1},
		{"for the host, hidden", `test -z "$1" || ` + fresh("token"), 404, 1},
		{"for each module, unauthorized", `test -z "$1" || printf "${1%/@v/list}"'\n\nAuthorization: token\n\n'`, 401, 12},
		{"for each module, hidden", `test -z "$1" || printf "${1%/@v/list}"'\n\nAuthorization: token\n\n'`, 404, 12},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, notes, release := held(t, test.content)
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					if got := refreshAfter(t, c, test.status, fmt.Sprintf("https://proxy.example/a%d/@v/list", i), ""); got != "token" {
						t.Errorf("sent %q", got)
					}
				})
			}
			waitForRuns(t, notes, 2)
			release()
			wg.Wait()
			if lines := runs(t, notes); len(lines) != 1+test.want {
				t.Errorf("runs: %q, want one without a URL and %d with", lines, test.want)
			}
		})
	}
}

// The one who began a run may leave: it goes on for the others, and is not begun
// again for each.
func TestRunSurvivesWhoBeganIt(t *testing.T) {
	c, notes, release := held(t, `test -z "$1" || `+fresh("token"))
	const at = "https://proxy.example/a/@v/list"
	ctx, cancel := context.WithCancel(t.Context())
	var wg, left sync.WaitGroup
	left.Go(func() {
		_, err := c.(upstream.CredentialsRefresher).Refresh(ctx, parseURL(t, at), nil, &http.Response{StatusCode: 404})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left was told %v", err)
		}
	})
	waitForRuns(t, notes, 2)
	stays := arriving{t.Context(), make(chan struct{})}
	wg.Go(func() {
		fields, err := c.(upstream.CredentialsRefresher).Refresh(stays, parseURL(t, at), nil, &http.Response{StatusCode: 404})
		if got := fields.Get("Authorization"); err != nil || got != "token" {
			t.Errorf("the caller who stayed was told %q, %v", got, err)
		}
	})
	<-stays.waits
	cancel()
	left.Wait()
	release()
	wg.Wait()
	if diff := cmp.Diff([]string{"run", "run " + at}, runs(t, notes)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestRunEndsWithItsLastCaller(t *testing.T) {
	goauth, notes := script(t, `test -z "$1" && exit; sleep 1000 & echo "child $!" >> "$NOTES"; wait`)
	c := must(t)(auth.New(goauth, &auth.Options{Timeout: -1, Env: append(os.Environ(), "NOTES="+notes)}))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			_, err := c.(upstream.CredentialsRefresher).Refresh(ctx, parseURL(t, fmt.Sprintf("https://proxy.example/a%d", i)), nil, &http.Response{StatusCode: 404})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
		})
	}
	waitForRuns(t, notes, 3)
	cancel()
	wg.Wait()
	waitGone(t, strings.TrimPrefix(runs(t, notes)[2], "child "))
}

// arriving is a context that tells when its owner begins to wait.
type arriving struct {
	context.Context
	waits chan struct{}
}

func (a arriving) Done() <-chan struct{} {
	select {
	case <-a.waits:
	default:
		close(a.waits)
	}
	return a.Context.Done()
}

// After a 404, what a command says by its exit status is that it has none; what
// keeps it from saying so leaves the question open.
func TestCommandFailsAfterNotFound(t *testing.T) {
	tests := []struct {
		name, content string
		class         upstream.Class
		says          string // after 401
	}{
		{"it does not know the host", `test -z "$1" || exit 1`, upstream.NotFound, "exit status 1"},
		{"it always fails", `exit 3`, upstream.NotFound, "exit status 3"},
		{"it is killed", `test -z "$1" || kill -9 $$`, upstream.Unavailable, "signal: killed"},
		{"it is not understood", `test -z "$1" || echo hello`, upstream.Unavailable, "its output: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			goauth, _ := script(t, test.content)
			for status, class := range map[int]upstream.Class{404: test.class, 401: upstream.Denied} {
				server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
				roots := x509.NewCertPool()
				roots.AddCert(server.Certificate())
				c := must(t)(auth.New(goauth, nil))
				err := fetchInfo(t.Context(), t, server.URL, &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: roots}, Credentials: c})
				server.Close()
				if e := upstream.AsError(err, upstream.Request{}, ""); e.Class != class || contains(e.Error(), test.says) != (class != upstream.NotFound) {
					t.Errorf("after %d: %v", status, e)
				}
			}
		})
	}
}
