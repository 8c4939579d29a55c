package gocmd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// status answers with nothing but a status.
func status(code int) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "the server's words", code) }
}

// TestClasses: what each failure counts as, and what is said of it.
func TestClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	page := func(path string, h http.HandlerFunc) string {
		w.handle("go.corp.example/"+path, h)
		return "go.corp.example/" + path
	}
	leadsTo := func(path, repo string) string {
		w.page("go.corp.example/"+path, "go.corp.example/"+path+" git "+repo)
		return "go.corp.example/" + path
	}
	repo := func(name string, refs, self http.HandlerFunc) string {
		w.handle("git.corp.example/"+name+"/info/refs", refs)
		w.handle("git.corp.example/"+name, self)
		return leadsTo(name, "https://git.corp.example/"+name)
	}
	halfway := leadsTo("halfway", "https://git.corp.example/two")
	garbage := func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "<html>please log in</html>") }
	challenge := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("WWW-Authenticate", "Basic")
		http.Error(rw, "no", http.StatusUnauthorized)
	}
	tests := []struct {
		name, module, version string
		class                 upstream.Class
		says                  string
	}{
		{"no such version", "go.corp.example/lib", "v1.9.0", upstream.NotFound, "unknown revision v1.9.0"},
		{"no such commit", "go.corp.example/lib", "v0.0.0-20240501000000-0123456789ab", upstream.NotFound, "unknown revision"},
		{"no such module in the repository", "git.corp.example/mono.git/none", "v1.0.0", upstream.NotFound, "unknown revision"},
		{"no such repository", leadsTo("norepo", "https://git.corp.example/none"), "v1.0.0", upstream.NotFound, "not found"},
		{"no such repository, by suffix", "git.corp.example/none.git", "v1.0.0", upstream.NotFound, "repository 'https://git.corp.example/none/' not found"},
		{"a query about a main module", "go.corp.example/lib", "upgrade", upstream.NotFound, "query"},
		{"an option for a version", "go.corp.example/lib", "-x", upstream.NotFound, "query"},
		{"a pattern for a module", "go.corp.example/l...x", "v1.0.0", upstream.NotFound, "query"},
		{"no page", "go.corp.example/none", "v1.0.0", upstream.NotFound, "404"},
		{"gone", page("gone", status(410)), "v1.0.0", upstream.NotFound, "410"},
		{"page without a tag", page("notag", garbage), "v1.0.0", upstream.NotFound, "go-import"},
		{"tag for another module", page("other", func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, `<meta name="go-import" content="go.corp.example/o git https://git.corp.example/lib">`)
		}), "v1.0.0", upstream.NotFound, "did not match"},
		{"no such host", "gone.corp.example/x", "v1.0.0", upstream.NotFound, "does not exist"},
		{"no such host of a repository", leadsTo("moved", "https://gone.corp.example/x"), "v1.0.0", upstream.Unavailable, "no such host"},
		{"name server fails", "servfail.corp.example/x", "v1.0.0", upstream.Unavailable, "misbehaving"},
		{"host refuses", "refuses.corp.example/x", "v1.0.0", upstream.Unavailable, "refused"},
		{"host hangs", "hangs.corp.example/x", "v1.0.0", upstream.Timeout, "timeout"},
		{"repository refuses", leadsTo("down", "https://refuses.corp.example/x"), "v1.0.0", upstream.Unavailable, "refused"},
		{"repository hangs", leadsTo("slow", "https://hangs.corp.example/x"), "v1.0.0", upstream.Timeout, "timeout"},
		{"page fails", page("fails", status(500)), "v1.0.0", upstream.Unavailable, "500"},
		{"page of a busy server", page("busy", status(429)), "v1.0.0", upstream.Unavailable, "429"},
		{"page wants credentials", page("login", status(401)), "v1.0.0", upstream.Denied, "(status 401): " + onlyPrivate},
		{"page is forbidden", page("forbidden", status(403)), "v1.0.0", upstream.Denied, "403"},
		{"repository wants credentials", repo("locked", challenge, challenge), "v1.0.0", upstream.Denied, onlyPrivate},
		{"repository of a private module wants credentials", leadsTo("private/a", "https://git.corp.example/locked"), "v1.0.0", upstream.Denied, "Netrc in gocmd.Options"},
		{"repository does not tell", repo("hidden", challenge, status(404)), "v1.0.0", upstream.NotFound, "does not exist, or is hidden from strangers: " + onlyPrivate},
		{"repository of a private module does not tell", leadsTo("private/b", "https://git.corp.example/hidden"), "v1.0.0", upstream.NotFound, "does not exist"},
		{"repository is forbidden", repo("closed", status(403), status(200)), "v1.0.0", upstream.Denied, "403"},
		{"repository fails", repo("broken", status(502), status(404)), "v1.0.0", upstream.Unavailable, "502"},
		{"repository is a page", repo("webpage", garbage, garbage), "v1.0.0", upstream.Unavailable, "like a git server"},
		{"repository fails halfway", halfway, "v1.0.0", upstream.Unavailable, "503"},
	}
	s := w.source(t, func(o *gocmd.Options) { o.Private = "go.corp.example/private" })
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.module == halfway { // lists its refs, but does not give its objects
				w.handle("git.corp.example/two/git-upload-pack", func(rw http.ResponseWriter, r *http.Request) {
					if r.ContentLength > 0 && r.ContentLength < 300 && strings.Contains(r.Header.Get("Git-Protocol"), "2") {
						w.git(rw, r)
						return
					}
					http.Error(rw, "later", http.StatusServiceUnavailable)
				})
			}
			_, err := get(t, s, request(t, upstream.Info, test.module, test.version))
			e, ok := errors.AsType[*upstream.Error](err)
			if !ok {
				t.Fatalf("the error is %v, want a *upstream.Error", err)
			}
			if e.Class != test.class {
				t.Errorf("the class is %v, want %v: %v", e.Class, test.class, err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want it to hold %q", err, test.says)
			}
		})
	}
}

// TestWrongPassword: the reason is git's own, and holds neither credentials nor
// paths of scratch files.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	dir := t.TempDir()
	netrc := filepath.Join(t.TempDir(), "netrc")
	write(t, netrc, "machine git.corp.example login me password wrong-secret\n")
	for name, file := range map[string]string{"wrong": netrc, "none": os.DevNull, "no file": filepath.Join(dir, "none")} {
		t.Run(name, func(t *testing.T) {
			s := w.source(t, func(o *gocmd.Options) { o.Netrc = file })
			_, err := get(t, s, request(t, upstream.List, "go.corp.example/secret", ""))
			denied(t, err, "fatal: ")
			for _, secret := range []string{"wrong-secret", os.TempDir() + "/", "127.0.0.1"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds %q: %v", secret, err)
				}
			}
		})
	}
}

// TestUntrustedHost: a certificate that does not verify is not absence.
func TestUntrustedHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, func(o *gocmd.Options) { o.RootCAs = "" })
	for _, path := range []string{"go.corp.example/lib", "git.corp.example/mono.git"} {
		_, err := get(t, s, request(t, upstream.List, path, ""))
		if upstream.ClassOf(err) != upstream.Unavailable {
			t.Errorf("%s: the error is %v, want unavailable", path, err)
		}
	}
}

// TestMaxTransfer: a repository, or a module proxy, that sends too much is cut
// off.
func TestMaxTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	w.publish(t)
	w.handle("mods.corp.example/base/"+proxied+"/@v/v1.0.0.info", func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, strings.Repeat(" ", 1<<20))
	})
	s := w.source(t, func(o *gocmd.Options) { o.MaxTransfer = 3000 })
	for _, path := range []string{"go.corp.example/lib", proxied} {
		_, err := get(t, s, request(t, upstream.Info, path, "v1.0.0"))
		denied(t, err, "raise gocmd.Options.MaxTransfer")
	}
}

func TestNewerGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo(t, "next", commit{files: map[string]string{"go.mod": "module git.corp.example/next.git\n\ngo 1.999\n"}, tags: []string{"v1.0.0"}})
	s := w.source(t, nil)
	mustGet(t, s, request(t, upstream.Info, "git.corp.example/next.git", "v1.0.0"))
	mustGet(t, s, request(t, upstream.Mod, "git.corp.example/next.git", "v1.0.0"))
	_, err := get(t, s, request(t, upstream.Zip, "git.corp.example/next.git", "v1.0.0"))
	denied(t, err, "the version is for go 1.999 or later")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived := make(chan struct{}, 8)
	w.handle("go.corp.example/never", func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	req := request(t, upstream.Mod, "go.corp.example/never", "v1.0.0")
	s := w.source(t, func(o *gocmd.Options) { o.Timeout = 300 * time.Millisecond })
	_, err := get(t, s, req)
	if upstream.ClassOf(err) != upstream.Timeout || !strings.Contains(err.Error(), "gocmd.Options.Timeout") {
		t.Errorf("the error is %v, want a timeout that names gocmd.Options.Timeout", err)
	}

	patient := w.source(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	for len(arrived) > 0 {
		<-arrived
	}
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := patient.Fetch(ctx, req); upstream.ClassOf(err) != upstream.Canceled {
		t.Errorf("the error is %v, want canceled", err)
	}
}

func TestOfflineAndClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, nil)
	req := request(t, upstream.List, "go.corp.example/lib", "")
	_, err := s.Fetch(upstream.WithOffline(t.Context()), req)
	if upstream.ClassOf(err) != upstream.Unavailable || !errors.Is(err, upstream.ErrOffline) {
		t.Errorf("the error is %v, want ErrOffline", err)
	}
	if asked := w.requests(); len(asked) > 0 {
		t.Errorf("hosts were asked: %q", asked)
	}
	mustGet(t, s, req)
	s.Close()
	if _, err := s.Fetch(t.Context(), req); upstream.ClassOf(err) != upstream.Canceled {
		t.Errorf("the error is %v, want canceled", err)
	}
}

// TestBrokenCommand: a go command that does anything but its work proves nothing
// about modules.
func TestBrokenCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, script := range map[string]string{
		"fails":                  "echo no >&2; exit 1",
		"says nothing":           "exit 0",
		"prints garbage":         "echo '{'",
		"prints without end":     "head -c 40000000 /dev/zero",
		"complains without end":  "head -c 40000000 /dev/zero >&2; exit 2",
		"dies":                   "kill -9 $$",
		"reports, and dies":      `echo '{"Error":{"Err":"x"}}'; kill -9 $$`,
		"reports, after garbage": `head -c 40000000 /dev/zero; echo '{"Error":{"Err":"x"}}'`,
		"finds, and fails":       `echo '{"Versions":["v1.0.0"]}'; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			command := filepath.Join(t.TempDir(), "go")
			write(t, command, "#!/bin/sh\n"+script+"\n")
			if err := os.Chmod(command, 0o755); err != nil {
				t.Fatal(err)
			}
			s := w.source(t, func(o *gocmd.Options) { o.Go = command })
			_, err := get(t, s, request(t, upstream.List, "go.corp.example/lib", ""))
			if upstream.ClassOf(err) != upstream.Unavailable {
				t.Errorf("the error is %v, want unavailable", err)
			}
			if len(err.Error()) > 4096 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}
