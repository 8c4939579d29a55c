package fetch_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// unreleased is a list with which a source is in order, and not asked for any file.
const unreleased = "v0.0.0-20260102030405-0123456789ab\n"

// paced is how long servers take, by host: to be connected to, and to answer.
type paced map[string]struct{ connect, answer time.Duration }

// never is longer than any bound.
const never = 24 * time.Hour

// transport reaches the servers over pipes.
func (p paced) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		select {
		case <-time.After(p[host].connect):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		here, there := net.Pipe()
		go answerAll(there, p[host].answer)
		return here, nil
	}}
}

// answerAll answers each request after some time with an empty list, until the
// other side has gone.
func answerAll(c net.Conn, after time.Duration) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = in.Peek(1)
		}()
		select {
		case <-time.After(after):
		case <-gone:
			return
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: %d\r\n\r\n%s", time.Now().UTC().Format(http.TimeFormat), len(unreleased), unreleased); err != nil {
			return
		}
		<-gone
	}
}

// What takes long is told by the step in which it does, against bounds and against
// other sources. Nothing is left running: else the bubble would not end.
func TestDiagnoseSlow(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		paces paced
		want  []string
		text  string
		took  time.Duration
	}{
		{"fast", paced{"a": {10 * ms, 10 * ms}, "b": {20 * ms, 20 * ms}}, nil, "", 40 * ms},
		{"slow to connect", paced{"a": {2 * time.Second, 0}, "b": {}}, []string{"warning: slow"}, "it takes 2s to connect", 2 * time.Second},
		{"slow to answer", paced{"a": {0, 4 * time.Second}, "b": {}}, []string{"warning: slow"}, "a.example takes 4s to begin", 4 * time.Second},
		{"slower than the other", paced{"a": {0, 2 * time.Second}, "b": {0, 100 * ms}}, []string{"warning: slow"}, "http://b.example 100ms", 2 * time.Second},
		{"as slow as the other", paced{"a": {0, 2 * time.Second}, "b": {0, time.Second}}, nil, "", 2 * time.Second},
		{"slower, and fast", paced{"a": {0, 900 * ms}, "b": {0, ms}}, nil, "", 900 * ms},
		{"never connects", paced{"a": {never, 0}, "b": {}}, []string{"problem: no answer"}, "before a connection was made", 10 * time.Second},
		{"never answers", paced{"a": {0, never}, "b": {}}, []string{"problem: no answer"}, "between the request and the answer's first byte", 10 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hosts := paced{"a.example": test.paces["a"], "b.example": test.paces["b"]}
				opts := diagnoseOptions("http://a.example,http://b.example")
				opts.HTTP = &upstream.HTTPOptions{Transport: hosts.transport()}
				d, err := fetch.Diagnose(t.Context(), &opts)
				if err != nil {
					t.Fatal(err)
				}
				checkForms(t, d)
				s := d.Sources[0]
				if diff := cmp.Diff(test.want, diagnosed(s.Findings)); diff != "" || !strings.Contains(d.String(), test.text) {
					t.Errorf("%q is not in it, or findings (-want +got):\n%s\n%v", test.text, diff, d)
				}
				if d.Took != test.took || !d.Sources[1].OK {
					t.Errorf("took %v, want %v; the other: %v", d.Took, test.took, d)
				}
			})
		})
	}
}

// The caller's deadline takes the place of the bound, and who cancels is told so.
func TestDiagnoseCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := diagnoseOptions("http://a.example")
		opts.HTTP = &upstream.HTTPOptions{Transport: paced{"a.example": {0, never}}.transport()}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		d, err := fetch.Diagnose(ctx, &opts)
		if err != nil || d.Took != 25*time.Second {
			t.Errorf("took %v, error %v", d.Took, err)
		}
		wantFinding(t, d, "problem: no answer", "a.example")
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		d, err = fetch.Diagnose(ctx, &opts)
		if err != nil || d.Took != time.Second {
			t.Errorf("took %v, error %v", d.Took, err)
		}
		wantFinding(t, d, "problem: local", "cut short")
	})
}

// If no server can be connected to, it is hardly all of them that are down.
func TestDiagnoseNetworkDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := diagnoseOptions("http://a.example,http://b.example")
		opts.HTTP = &upstream.HTTPOptions{Transport: paced{"a.example": {never, 0}, "b.example": {never, 0}}.transport()}
		d, err := fetch.Diagnose(t.Context(), &opts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"warning: unreachable"}, diagnosed(d.Findings)); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
	})
}

// One clock against many: who differs from all others is wrong.
func TestDiagnoseClock(t *testing.T) {
	const hour = time.Hour
	tests := []struct {
		name    string
		skews   []time.Duration
		age     time.Duration // that the answers say they have
		overall []string
		text    string
		sources []string // of the first source
	}{
		{"right", []time.Duration{0, 0}, 0, nil, "", nil},
		{"all ahead", []time.Duration{hour, 2 * hour}, 0, []string{"warning: clock"}, "1h0m0s behind those of all 2 servers", nil},
		{"all behind", []time.Duration{-hour, -2 * hour}, 0, []string{"warning: clock"}, "ahead of those of all 2 servers", nil},
		{"one alone", []time.Duration{hour}, 0, []string{"warning: clock"}, "one of the two is wrong", nil},
		{"one of two", []time.Duration{hour, 0}, 0, nil, "1h0m0s ahead of", []string{"warning: clock"}},
		{"both ways", []time.Duration{hour, -hour}, 0, nil, "1h0m0s ahead of", []string{"warning: clock"}},
		{"old answers of a cache", []time.Duration{-hour}, hour, nil, "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var urls []string
			for _, skew := range test.skews {
				urls = append(urls, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					// Half a second more: it is cut to whole seconds.
					w.Header().Set("Date", time.Now().Add(skew+time.Second/2).UTC().Format(http.TimeFormat))
					w.Header().Set("Age", fmt.Sprint(int(test.age.Seconds())))
					_, _ = io.WriteString(w, unreleased)
				})))
			}
			d := diagnose(t, diagnoseOptions(strings.Join(urls, ",")))
			if diff := cmp.Diff(test.overall, diagnosed(d.Findings)); diff != "" {
				t.Errorf("overall (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.sources, diagnosed(d.Sources[0].Findings)); diff != "" {
				t.Errorf("the first source's (-want +got):\n%s", diff)
			}
			if !strings.Contains(strings.NewReplacer("59m59s", "1h0m0s", "1h0m1s", "1h0m0s").Replace(d.String()), test.text) {
				t.Errorf("%q is not in\n%v", test.text, d)
			}
		})
	}
}

// lingers is a Verifier that takes a second to give up.
type lingers struct {
	vouchesForNothing
	left *bool
}

func (l lingers) Expect(ctx context.Context, _ module.Version, _ upstream.Kind) (verify.Sums, error) {
	<-ctx.Done()
	time.Sleep(time.Second)
	*l.left = true
	return verify.Sums{}, ctx.Err()
}

// Whoever is asked about checksums is waited for.
func TestDiagnoseWaitsForVerifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := false
		opts := diagnoseOptions("off")
		opts.Verifier = lingers{left: &left}
		opts.Upstream = &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if req.Kind() == upstream.Mod {
				return "module example.com/hello\n", nil
			}
			return "v1.0.0\n", nil
		}}
		d, err := fetch.Diagnose(t.Context(), &opts)
		if err != nil || !left || d.Took != 11*time.Second || !d.OK() {
			t.Errorf("left is %v, error %v, after %v: %v", left, err, d.Took, d)
		}
	})
}
