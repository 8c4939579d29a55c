package fetch_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestHandlerServesEveryKind(t *testing.T) {
	o := newOrigin(t)
	url := serve(t, fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil))
	const forever, briefly = "max-age=31536000, immutable", "max-age=60"
	tests := []struct{ path, contentType, cacheControl string }{
		{"/example.com/hello/@v/list", "text/plain; charset=utf-8", briefly},
		{"/example.com/hello/@latest", "application/json", briefly},
		{"/example.com/hello/@v/v1.0.0.info", "application/json", forever},
		{"/example.com/hello/@v/v1.0.0.mod", "text/plain; charset=utf-8", forever},
		{"/example.com/hello/@v/v1.0.0.zip", "application/zip", forever},
		{"/example.com/!shout/@v/v1.0.0.mod", "text/plain; charset=utf-8", forever},
		{"/example.com/%21shout/@v/v1.0.0.mod", "text/plain; charset=utf-8", forever},
		{"/sumdb/sum.example.com/supported", "text/plain; charset=utf-8", briefly},
		{"/sumdb/sum.example.com/lookup/example.com/hello@v1.0.0", "text/plain; charset=utf-8", forever},
		{"/sumdb/sum.example.com/latest", "text/plain; charset=utf-8", briefly},
	}
	for _, tt := range tests {
		for _, cacheStatus := range []string{"breakwater; fwd=miss", "breakwater; hit"} {
			code, header, body := get(t, url+tt.path)
			key := strings.ReplaceAll(tt.path[1:], "%21", "!")
			if want := o.File(key); want != nil && body != string(want) {
				t.Errorf("%s: body differs", tt.path)
			}
			if tt.path == "/example.com/%21shout/@v/v1.0.0.mod" {
				cacheStatus = "breakwater; hit" // the same as the one before
			}
			got := []any{code, header.Get("Content-Type"), header.Get("Cache-Control"), len(header.Get("ETag"))}
			if diff := cmp.Diff([]any{200, tt.contentType, tt.cacheControl, 66}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
			if got := header.Get("Cache-Status"); !strings.HasPrefix(got, cacheStatus) {
				t.Errorf("%s: Cache-Status %q, want %q...", tt.path, got, cacheStatus)
			}
		}
	}
}

func TestHandlerConditionsAndRanges(t *testing.T) {
	o := newOrigin(t)
	url := serve(t, fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil)) + "/example.com/hello/@v/v1.0.0.zip"
	content := string(o.File("example.com/hello/@v/v1.0.0.zip"))
	_, header, _ := get(t, url)
	etag := header.Get("ETag")
	tests := []struct {
		name   string
		header []string
		code   int
		body   string
	}{
		{"the first bytes", []string{"Range", "bytes=0-9"}, 206, content[:10]},
		{"the rest", []string{"Range", "bytes=10-"}, 206, content[10:]},
		{"the last bytes", []string{"Range", "bytes=-5"}, 206, content[len(content)-5:]},
		{"beyond the end", []string{"Range", "bytes=99999999-"}, 416, "invalid range: failed to overlap\n"},
		{"nonsense", []string{"Range", "bytes=x"}, 416, "invalid range\n"},
		{"if it is still that one", []string{"Range", "bytes=10-", "If-Range", etag}, 206, content[10:]},
		{"if it is another", []string{"Range", "bytes=10-", "If-Range", `"other"`}, 200, content},
		{"not if it is known", []string{"If-None-Match", etag}, 304, ""},
		{"if another is known", []string{"If-None-Match", `"other"`}, 200, content},
		{"only if it matches", []string{"If-Match", `"other"`}, 412, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, _, body := get(t, url, tt.header...)
			if code != tt.code || body != tt.body {
				t.Errorf("got %d and %d bytes, want %d and %d bytes", code, len(body), tt.code, len(tt.body))
			}
		})
	}
}

func TestHandlerMethods(t *testing.T) {
	o := newOrigin(t)
	h := fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil)
	for method, code := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/example.com/hello/@v/v1.0.0.mod", nil))
		if w.Code != code {
			t.Errorf("%s: status %d, want %d", method, w.Code, code)
		}
		if method == "HEAD" && (w.Body.Len() != 0 || w.Header().Get("Content-Length") == "") {
			t.Errorf("HEAD: %d bytes, Content-Length %q", w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}

func TestHandlerHostilePaths(t *testing.T) {
	o := newOrigin(t)
	h := fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil)
	paths := []string{
		"/",
		"//",
		"/favicon.ico",
		"/../example.com/hello/@v/v1.0.0.mod",
		"/example.com/../example.com/hello/@v/v1.0.0.mod",
		"/example.com/hello/@v/../../../etc/passwd",
		"/%2e%2e/%2e%2e/etc/passwd",
		"/example.com/%2e%2e/hello/@v/list",
		"/example.com/hello/@v/%2e%2e%2f%2e%2e%2flist.info",
		"/example.com/hello%00/@v/list",
		"/example.com/hello/@v/v1.0.0%00.mod",
		"/example.com//hello/@v/list",
		"//example.com/hello/@v/list",
		"/example.com/hello/@v/list/",
		"/example.com/Hello/@v/list",
		"/example.com/hello/@v/v1.mod",
		"/example.com/hello/@v/master.zip",
		"/example.com/hello/@v/v2.0.0.mod",
		"/example.com/hello/@v/v1.0.0.exe",
		"/example.com/hello/@v/",
		"/example.com\\hello/@v/list",
		"/example.com/hello/@v/\u202elist.info/x",
		"/.breakwater/records/example.com/hello/@v/list.json",
		"/sumdb//supported",
		"/sumdb/sum.example.com/tile/8/0/1",
		"/sumdb/sum.example.com/tile/../latest",
		"/sumdb/../supported",
		"/sumdb/sum.example.com/lookup/example.com/hello",
		"/" + strings.Repeat("a", 100_000) + "/@v/list",
		"/example.com/" + strings.Repeat("a/", 50_000) + "@v/list",
	}
	for _, path := range paths {
		if !strings.Contains(path, "%") {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.URL.Path = path
			h.ServeHTTP(w, r)
			checkErrorBody(t, path, w, 404)
		}
		if r, err := http.NewRequest(http.MethodGet, path, nil); err == nil { // decoded once, as on a socket
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			checkErrorBody(t, "decoded "+path, w, 404)
		}
	}
	if asked := o.Asked(); asked != nil {
		t.Errorf("the source was asked for %.200q", asked)
	}
}

// checkErrorBody checks the form that every error has: plain text, few and short
// lines, no credential.
func checkErrorBody(t *testing.T, what string, w *httptest.ResponseRecorder, code int) {
	t.Helper()
	body := w.Body.String()
	if len(what) > 100 {
		what = what[:100]
	}
	if w.Code != code {
		t.Errorf("%s: status %d, want %d: %s", what, w.Code, code, body)
	}
	if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("%s: Content-Type %q", what, got)
	}
	if lines := strings.Count(body, "\n"); lines < 1 || lines > 8 || len(body) > 8*81 || strings.Contains(body, "\n\n") {
		t.Errorf("%s: the go command would not show all of this:\n%s", what, body)
	}
	for _, r := range body {
		if r != '\n' && r < ' ' {
			t.Errorf("%s: control character %q in the body", what, r)
		}
	}
}

func TestHandlerDoesNotFetchWhereForbidden(t *testing.T) {
	o := newOrigin(t)
	url := serve(t, fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil))
	path := url + "/example.com/hello/@v/v1.0.0.mod"
	if code, _, body := get(t, path, "Disable-Module-Fetch", "true"); code != 502 || !strings.Contains(body, "offline") {
		t.Errorf("cold: %d %s, want 502 and the reason", code, body)
	}
	if asked := o.Asked(); asked != nil {
		t.Errorf("the source was asked for %v", asked)
	}
	get(t, path)
	if code, _, _ := get(t, path, "Disable-Module-Fetch", "true"); code != 200 {
		t.Errorf("warm: %d, want 200", code)
	}
}

func TestHandlerTellsStaleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if down {
				return "", outage(req)
			}
			return "v1.0.0\n", nil
		}}
		h := fetch.NewHandler(newClient(t, fetch.Options{Upstream: source}), nil)
		list := func() http.Header {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/list", nil))
			if w.Code != 200 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			return w.Result().Header
		}
		pick := func(h http.Header) []string {
			return []string{h.Get("Age"), h.Get("Cache-Control"), h.Get("Cache-Status")}
		}
		want := []string{"", "max-age=60", `breakwater; fwd=miss; detail="scripted"`}
		if diff := cmp.Diff(want, pick(list())); diff != "" {
			t.Errorf("new (-want +got):\n%s", diff)
		}
		time.Sleep(30 * time.Second)
		want = []string{"30", "max-age=60", `breakwater; hit; detail="memory"`}
		if diff := cmp.Diff(want, pick(list())); diff != "" {
			t.Errorf("fresh (-want +got):\n%s", diff)
		}
		down = true
		time.Sleep(time.Hour)
		want = []string{"3630", "no-cache", `breakwater; hit; ttl=-3630; detail="stale: example.com/hello (list): scripted: unavailable (status 503)"`}
		if diff := cmp.Diff(want, pick(list())); diff != "" {
			t.Errorf("stale (-want +got):\n%s", diff)
		}
	})
}

// broken is a Fetcher whose body breaks off, which none of ours does.
type broken struct{ seekable bool }

func (b broken) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	resp := &upstream.Response{Size: 100_000, Source: "broken"}
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 50_000)), failing{}))
	if b.seekable {
		resp.Body = shortened{strings.NewReader(strings.Repeat("x", 50_000))}
	}
	return resp, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// shortened claims to be larger than it is, as a file that was cut under us.
type shortened struct{ *strings.Reader }

func (s shortened) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return 100_000, nil
	}
	return s.Reader.Seek(offset, whence)
}

func (shortened) Close() error { return nil }

func TestBrokenBodyNeverLooksComplete(t *testing.T) {
	for _, seekable := range []bool{false, true} {
		url := serve(t, fetch.NewHandler(broken{seekable}, nil))
		resp, err := http.Get(url + "/example.com/hello/@v/v1.0.0.zip")
		if err != nil {
			continue // cut before the header: just as good
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err == nil {
			t.Errorf("seekable %v: the client read %d bytes and saw no error", seekable, n)
		}
	}
}

func TestLoopsAreRefused(t *testing.T) {
	// The proxy's source is the proxy itself, with another proxy in between.
	var self http.Handler
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { self.ServeHTTP(w, r) }))
	t.Cleanup(between.Close)
	opts := proxyOptions(between.URL)
	self = fetch.NewHandler(newClient(t, opts), nil)
	code, _, body := get(t, serve(t, self)+"/example.com/hello/@v/list")
	if code != 403 || !strings.Contains(body, "came back to the proxy") {
		t.Errorf("got %d: %s", code, body)
	}
}
