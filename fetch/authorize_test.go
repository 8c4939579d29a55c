package fetch_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// overheard is a Fetcher that notes what reaches it.
type overheard struct {
	fetch.Fetcher
	mu    sync.Mutex
	asked []string
}

func (c *overheard) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	c.mu.Lock()
	c.asked = append(c.asked, req.Key())
	c.mu.Unlock()
	return c.Fetcher.Fetch(ctx, req)
}

// took returns the keys that were asked for since it was last called.
func (c *overheard) took() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

func overhear(t *testing.T) *overheard {
	o := newOrigin(t)
	opts := proxyOptions(serve(t, o))
	opts.Go.GOSUMDB = o.VerifierKey
	return &overheard{Fetcher: newClient(t, opts)}
}

// answerTo sends a request to h and returns what it writes.
func answerTo(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

// What Authorize returns is the answer, and nobody is asked for anything.
func TestAuthorizeAnswers(t *testing.T) {
	const path = "/example.com/hello/@v/v1.0.0.mod"
	const basic = `Basic realm="Go modules"`
	unavailable := &upstream.Error{Err: errors.New("the directory of users is down")}
	tests := []struct {
		name      string
		err       error
		code      int
		challenge string
		body      string
	}{
		{"not said who", &fetch.UnauthorizedError{}, 401, basic,
			"example.com/hello@v1.0.0 (mod): denied: say who you are: have credentials for this host in a netrc file " +
				"or set GOAUTH (go help goauth), and use https: the netrc file's line is \"machine example.com login ... password ...\"\n"},
		{"not convincing", &fetch.UnauthorizedError{Challenge: `Bearer realm="a", Basic realm="b"`, Err: errors.New("the token has expired")},
			401, `Bearer realm="a", Basic realm="b"`, "denied: the token has expired\n"},
		{"with a word to it", fmt.Errorf("team a: %w", &fetch.UnauthorizedError{Challenge: "Negotiate"}), 401, "Negotiate", "team a: say who you are"},
		{"because of another's error", &fetch.UnauthorizedError{Err: unavailable}, 401, basic, "the directory of users is down"},
		{"inside a denial", &upstream.Error{Class: upstream.Denied, Err: &fetch.UnauthorizedError{}}, 401, basic, "say who you are"},
		{"a nil pointer", (*fetch.UnauthorizedError)(nil), 401, basic, "say who you are"},
		{"not for him", errors.New("ask team b for access"), 403, "", "example.com/hello@v1.0.0 (mod): denied: ask team b for access\n"},
		{"hidden", &upstream.Error{Class: upstream.NotFound, Err: errors.New("no such module")}, 404, "", "not found: no such module\n"},
		{"cannot tell", unavailable, 502, "", "the directory of users is down"},
		{"cannot tell now", &upstream.Error{RetryAfter: time.Minute}, 503, "", "unavailable"},
		{"a nil pointer of ours", (*upstream.Error)(nil), 502, "", "nil pointer"},
		{"no time", context.DeadlineExceeded, 403, "", "deadline"},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			f := overhear(t)
			h := fetch.NewHandler(f, &fetch.HandlerOptions{
				Authorize: func(*http.Request, upstream.Request) error { return tt.err },
			})
			w := answerTo(h, method, path)
			if w.Code != tt.code || w.Header().Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%s: %s: status %d, challenge %q; want %d and %q", tt.name, method, w.Code, w.Header().Get("WWW-Authenticate"), tt.code, tt.challenge)
			}
			if _, retry := w.Header()["Retry-After"]; retry != (tt.code == 503) {
				t.Errorf("%s: Retry-After %q with status %d", tt.name, w.Header().Get("Retry-After"), w.Code)
			}
			wantCache := "no-store"
			if tt.code == 404 {
				wantCache = "private, max-age=10"
			}
			if got := w.Header().Get("Cache-Control"); got != wantCache {
				t.Errorf("%s: Cache-Control %q, want %q", tt.name, got, wantCache)
			}
			if method == "GET" {
				checkErrorBody(t, tt.name, w, tt.code)
			}
			if method == "GET" && !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%s: body %q, want %q", tt.name, w.Body, tt.body)
			}
			if asked := f.took(); asked != nil {
				t.Errorf("%s: %v was asked for", tt.name, asked)
			}
		}
	}
}

// A challenge is for a denial: an outage stays one, whatever is behind it.
func TestOutageIsNoChallenge(t *testing.T) {
	f := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
		return "", &upstream.Error{Request: req, Err: &fetch.UnauthorizedError{}}
	}}
	w := answerTo(fetch.NewHandler(f, nil), "GET", "/example.com/hello/@v/v1.0.0.mod")
	if w.Code != 502 || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("status %d, challenge %q; want 502 and none", w.Code, w.Header().Get("WWW-Authenticate"))
	}
}

// Authorize is asked about everything that the protocol has, each time, and
// about nothing else.
func TestAuthorizeSeesEveryRequest(t *testing.T) {
	var seen []string
	f := overhear(t)
	h := fetch.NewHandler(f, &fetch.HandlerOptions{Authorize: func(r *http.Request, req upstream.Request) error {
		seen = append(seen, r.Method+" "+req.Key()+" of "+req.Module())
		return nil
	}})
	modules := []string{
		"/example.com/hello/@v/list", "/example.com/hello/@latest", "/example.com/hello/@v/v1.0.0.info",
		"/example.com/hello/@v/v1.0.0.mod", "/example.com/hello/@v/v1.0.0.zip",
		"/sumdb/sum.example.com/lookup/example.com/hello@v1.0.0",
	}
	databases := []string{"/sumdb/sum.example.com/supported", "/sumdb/sum.example.com/latest"}
	var want []string
	for _, method := range []string{"GET", "HEAD", "GET"} { // and from the cache
		for _, path := range modules {
			want = append(want, method+" "+path[1:]+" of example.com/hello")
			if w := answerTo(h, method, path); w.Code != 200 {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
		for _, path := range databases {
			want = append(want, method+" "+path[1:]+" of ")
			if w := answerTo(h, method, path); w.Code != 200 {
				t.Errorf("%s %s: status %d", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/", "/favicon.ico", "/example.com/hello/@v/v1.0.0.exe", "/example.com/../x/@v/list"} {
		if w := answerTo(h, "GET", path); w.Code != 404 {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
	answerTo(h, "POST", modules[0])
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("Authorize was asked (-want +got):\n%s", diff)
	}
}

// What is at hand is not for everybody because of that.
func TestAuthorizeGuardsTheCache(t *testing.T) {
	f := overhear(t)
	h := fetch.NewHandler(f, &fetch.HandlerOptions{Authorize: func(r *http.Request, req upstream.Request) error {
		if _, _, ok := r.BasicAuth(); !ok && req.Module() == "example.com/hello" {
			return &fetch.UnauthorizedError{}
		}
		return nil
	}})
	for path, anonymous := range map[string]int{"/example.com/hello/@v/v1.0.0.zip": 401, "/example.com/app/@v/v1.0.0.zip": 200} {
		for _, header := range [][]string{{"Authorization", "Basic YTpi"}, {}, {"Disable-Module-Fetch", "true"}, {"If-None-Match", "*"}, {"Range", "bytes=0-1"}} {
			want := anonymous
			if len(header) > 0 && header[0] == "Authorization" {
				want = 200
			}
			if got := answerTo(h, "GET", path, header...).Code; got != want && (want != 200 || got >= 400) {
				t.Errorf("%s %v: status %d, want %d", path, header, got, want)
			}
		}
	}
	if asked := f.took(); len(asked) != 1+5 {
		t.Errorf("%d requests reached the Fetcher, want 6: %v", len(asked), asked)
	}
}

func TestAuthorizedAnswersAreNotShared(t *testing.T) {
	const forever = "max-age=31536000, immutable"
	tests := []struct {
		path   string
		maxAge time.Duration
		header []string
		want   string
	}{
		{"/example.com/hello/@v/v1.0.0.zip", 0, nil, forever},
		{"/example.com/hello/@v/v1.0.0.zip", 0, []string{"If-None-Match", "*"}, forever},
		{"/example.com/hello/@v/v1.0.0.zip", 0, []string{"Range", "bytes=0-1"}, forever},
		{"/example.com/hello/@v/list", 0, nil, "max-age=60"},
		{"/example.com/hello/@v/list", -1, nil, "no-cache"},
		{"/example.com/nobody/@v/list", 0, nil, "max-age=10"},
		{"/favicon.ico", 0, nil, "max-age=10"},
	}
	f := overhear(t)
	for _, tt := range tests {
		public := fetch.NewHandler(f, &fetch.HandlerOptions{MaxAge: tt.maxAge})
		guarded := fetch.NewHandler(f, &fetch.HandlerOptions{
			MaxAge: tt.maxAge, Authorize: func(*http.Request, upstream.Request) error { return nil },
		})
		for want, h := range map[string]http.Handler{tt.want: public, "private, " + tt.want: guarded} {
			if got := answerTo(h, "GET", tt.path, tt.header...).Header().Get("Cache-Control"); got != want {
				t.Errorf("%s %v: Cache-Control %q, want %q", tt.path, tt.header, got, want)
			}
		}
	}
}

// Whatever breaks, nothing is handed out, and it is neither unseen nor unlogged.
func TestPanicsFailClosed(t *testing.T) {
	for name, opts := range map[string]fetch.HandlerOptions{
		"Authorize": {Authorize: func(*http.Request, upstream.Request) error { panic("boom") }},
		"Caller":    {Caller: func(*http.Request) string { panic("boom") }},
	} {
		var records []audit.Record
		opts.Audit = func(_ context.Context, r audit.Record) { records = append(records, r) }
		f := overhear(t)
		var logged lockedBuffer
		s := httptest.NewUnstartedServer(fetch.NewHandler(f, &opts))
		s.Config.ErrorLog = log.New(&logged, "", 0)
		s.Start()
		code, header, body := get(t, s.URL+"/example.com/hello/@v/v1.0.0.mod")
		s.Close()
		if code != 502 || header.Get("Cache-Control") != "no-store" || !strings.Contains(body, "the check broke off") || strings.Contains(body, "boom") {
			t.Errorf("%s: %d %q", name, code, body)
		}
		if asked := f.took(); asked != nil {
			t.Errorf("%s: %v was asked for", name, asked)
		}
		if !strings.Contains(logged.String(), "boom") {
			t.Errorf("%s: the panic is hidden from net/http, which logged %q", name, logged.String())
		}
		want := []audit.Record{{
			Caller: "127.0.0.1", Module: "example.com/hello", Version: "v1.0.0", Kind: "mod", Status: 502, Decision: audit.Denied, Rule: "authorize",
			Reason: "unavailable: whether you may have this could not be found out: the check broke off, see this server's log",
		}}
		if diff := cmp.Diff(want, withoutTimes(t, records)); diff != "" {
			t.Errorf("%s: audit (-want +got):\n%s", name, diff)
		}
	}
}

func TestPanicInAuthorizeWithoutAudit(t *testing.T) {
	f := overhear(t)
	h := fetch.NewHandler(f, &fetch.HandlerOptions{Authorize: func(*http.Request, upstream.Request) error { panic("boom") }})
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("the panic that comes out is %v", p)
			}
		}()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.mod", nil))
	}()
	if asked := f.took(); w.Code != 502 || asked != nil {
		t.Errorf("status %d, asked for %v", w.Code, asked)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The go command says who it is by a netrc file or a GOAUTH command, and shows
// what it is told if it does not.
func TestGoCommandSaysWhoItIs(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the go command takes no certificates from SSL_CERT_FILE here")
	}
	const user, password, token = "gopher", "s3cret", "t0ken"
	f := overhear(t)
	s := httptest.NewTLSServer(fetch.NewHandler(f, &fetch.HandlerOptions{Authorize: func(r *http.Request, _ upstream.Request) error {
		name, word, _ := r.BasicAuth()
		if name == user && word == password || r.Header.Get("Authorization") == "Bearer "+token {
			return nil
		}
		return &fetch.UnauthorizedError{Challenge: `Bearer realm="modules", Basic realm="modules"`}
	}}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	cert := write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})), 0o600)
	netrc := write("netrc", "machine "+strings.TrimPrefix(s.URL, "https://")+" login "+user+" password "+password+"\n", 0o600)
	wrong := write("wrong", "machine "+strings.TrimPrefix(s.URL, "https://")+" login "+user+" password guess\n", 0o600)
	// Called without an argument it knows nothing; with the address it sees the challenge.
	command := write("goauth", "#!/bin/sh\n[ -n \"$1\" ] || exit 0\ngrep -q 'Bearer realm=\"modules\"' || exit 1\n"+
		"printf '%s\\n\\nAuthorization: Bearer %s\\n\\n' '"+s.URL+"' "+token+"\n", 0o700)
	download := func(env ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-x", "example.com/hello@v1.0.0")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOPROXY="+s.URL, "GOSUMDB=off", "GOMODCACHE="+t.TempDir(), "GOENV=off", "GOFLAGS=-modcacherw",
			"GOTOOLCHAIN=local", "GOWORK=off", "GOTELEMETRY=off", "SSL_CERT_FILE="+cert, "NETRC="+os.DevNull, "GOAUTH=netrc")
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			t.Fatal(err)
		}
		return string(out), err
	}
	for _, env := range []string{"NETRC=" + os.DevNull, "NETRC=" + wrong, "GOAUTH=off"} {
		out, err := download(env)
		for _, text := range []string{"401 Unauthorized", "say who you are", "netrc", "go help goauth"} {
			if err == nil || !strings.Contains(out, text) {
				t.Errorf("%s: the go command's output (%v) lacks %q:\n%s", env, err, text, out)
			}
		}
	}
	if asked := f.took(); asked != nil {
		t.Errorf("%v was asked for by somebody unknown", asked)
	}
	for _, env := range []string{"NETRC=" + netrc, "GOAUTH=" + command} {
		if out, err := download(env); err != nil {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
		if got := strings.Join(f.took(), " "); !strings.Contains(got, "example.com/hello/@v/v1.0.0.zip") {
			t.Errorf("%s: only %q was asked for", env, got)
		}
	}
}
