package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestHTTPAnswer(t *testing.T) {
	u := over(t, "https://u:pw@proxy.example", always(200, "v1.0.0\n", "Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"))
	resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@v/list"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := readBody(resp)
	resp.Body = nil
	want := &upstream.Response{Size: 7, ModTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Source: "https://xxxxx@proxy.example"}
	if diff := cmp.Diff(want, resp); diff != "" || body != "v1.0.0\n" || err != nil {
		t.Errorf("body %q, error %v, response (-want +got):\n%s", body, err, diff)
	}
}

func TestHTTPRequest(t *testing.T) {
	type sent struct {
		URL    string
		Header http.Header
	}
	header := func(more ...string) http.Header {
		h := http.Header{"User-Agent": {"breakwater"}, "Accept-Encoding": {"identity"}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	plain := t.Context()
	tests := []struct {
		name, base, key string
		ctx             context.Context
		opts            upstream.HTTPOptions
		want            sent
	}{
		{"root", "https://proxy.example", "a.b/c/@v/list", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@v/list", header()}},
		{"slash", "https://proxy.example/", "a.b/c/@latest", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@latest", header()}},
		{"prefix", "https://proxy.example/go/all/", "a.b/c/@latest", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/go/all/a.b/c/@latest", header()}},
		{"escaped prefix", "https://proxy.example/go%2Fall/x%20y", "github.com/!x/@v/v1.0.0.mod", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/go%2Fall/x%20y/github.com/%21x/@v/v1.0.0.mod", header()}},
		{"escapes", "https://proxy.example", "github.com/!x/@v/v1.0.0+incompatible.info", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/github.com/%21x/@v/v1.0.0+incompatible.info", header()}},
		{"percent", "https://proxy.example", "a.b/c/@v/%2e%2e.info", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@v/%252e%252e.info", header()}},
		{"checksum database", "https://proxy.example/x", "sumdb/sum.example:80/a/tile/8/0/000", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/x/sumdb/sum.example:80/a/tile/8/0/000", header()}},
		{"credentials", "https://user:p%40ss@proxy.example", "a.b/c/@latest", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@latest", header("Authorization", "Basic dXNlcjpwQHNz")}},
		{"token", "https://token@proxy.example", "a.b/c/@latest", plain, upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@latest", header("Authorization", "Basic dG9rZW46")}},
		{"user agent", "https://proxy.example", "a.b/c/@latest", plain, upstream.HTTPOptions{UserAgent: "x/1"},
			sent{"https://proxy.example/a.b/c/@latest", header("User-Agent", "x/1")}},
		{"via", "https://proxy.example", "a.b/c/@latest", upstream.WithVia(plain, "1.1 near, 1.1 far"), upstream.HTTPOptions{},
			sent{"https://proxy.example/a.b/c/@latest", header("Via", "1.1 near, 1.1 far")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got sent
			test.opts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				got = sent{r.URL.String(), r.Header}
				return answer(r, 200, ""), nil
			})
			resp, err := newHTTP(t, test.base, &test.opts).Fetch(test.ctx, request(t, test.key))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// What goes with one call does not go with the next.
func TestHTTPRequestsAreApart(t *testing.T) {
	var via []string
	u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
		via = append(via, r.Header.Get("Via"))
		return answer(r, 200, ""), nil
	})
	for _, ctx := range []context.Context{upstream.WithVia(t.Context(), "1.1 near"), t.Context()} {
		if _, err := upstream.ReadAll(ctx, u, request(t, "a.b/c/@v/list")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"1.1 near", ""}, via); diff != "" {
		t.Errorf("Via (-want +got):\n%s", diff)
	}
}

func TestNewHTTPRefuses(t *testing.T) {
	for _, base := range []string{
		"", "proxy.example", "https://", "ftp://proxy.example", "file:///var/proxy",
		"https://proxy.example?x", "https://proxy.example/#x", "https://proxy.example:x",
		"http://user:pw@proxy.example", "http://user@192.0.2.1", "http://user:pw@localhost.example",
	} {
		if _, err := upstream.NewHTTP(base, nil); err == nil {
			t.Errorf("NewHTTP(%q) gives no error", base)
		}
	}
	for _, base := range []string{
		"http://proxy.example", "http://u:pw@127.0.0.1:80", "http://u:pw@[::1]", "http://u:pw@localhost", "https://u:pw@proxy.example",
	} {
		if _, err := upstream.NewHTTP(base, nil); err != nil {
			t.Errorf("NewHTTP(%q): %v", base, err)
		}
	}
}

func TestHTTPAsksNobody(t *testing.T) {
	cause := errors.New("the caller left")
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	tests := []struct {
		name   string
		ctx    context.Context
		req    upstream.Request
		class  upstream.Class
		source string // who is to blame
		cause  error
	}{
		{"offline", upstream.WithOffline(t.Context()), request(t, "a.b/c/@latest"), upstream.Unavailable, "", upstream.ErrOffline},
		{"zero", t.Context(), upstream.Request{}, upstream.Unavailable, "https://proxy.example", nil},
		{"cancelled", gone, request(t, "a.b/c/@latest"), upstream.Canceled, "https://proxy.example", cause},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
				if r.Context().Err() == nil {
					t.Error("a request was made")
				}
				return nil, r.Context().Err()
			}).Fetch(test.ctx, test.req)
			e := wantError(t, err, test.class)
			if e.Request != test.req || e.Source != test.source || test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("error is %v, because of %v", err, e.Err)
			}
		})
	}
}

// The same over a real connection: escaped paths arrive as they are, and the
// connection is used again after an error.
func TestHTTPConnection(t *testing.T) {
	conns := &log{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns.add(r.RemoteAddr)
		if r.URL.Path != "/go/github.com/!x/@v/v1.0.0.mod" {
			http.Error(w, "not here: "+r.URL.Path, 404)
			return
		}
		io.WriteString(w, "module github.com/X\n")
	}))
	defer server.Close()
	u := newHTTP(t, server.URL+"/go", nil)
	defer u.(interface{ CloseIdleConnections() }).CloseIdleConnections()

	_, err := u.Fetch(t.Context(), request(t, "github.com/!y/@latest"))
	if e := wantError(t, err, upstream.NotFound); e.Text != "not here: /go/github.com/!y/@latest" || e.Status != 404 {
		t.Errorf("status %d, text %q", e.Status, e.Text)
	}
	data, err := upstream.ReadAll(t.Context(), u, request(t, "github.com/!x/@v/v1.0.0.mod"))
	if err != nil || string(data) != "module github.com/X\n" {
		t.Errorf("body %q, error %v", data, err)
	}
	if len(conns.lines) != 2 || conns.lines[0] != conns.lines[1] {
		t.Errorf("requests came from %v, want the same connection twice", conns.lines)
	}
}

// A server that talks something else, at length, and in colour.
func TestHTTPGarbage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "\x1b[31m"+strings.Repeat("x", 100<<10)+"\r\n\r\n")
	}))
	defer server.Close()
	_, err := newHTTP(t, server.URL, nil).Fetch(t.Context(), request(t, "a.b/c/@latest"))
	e := wantError(t, err, upstream.Unavailable)
	if text := e.Error(); !isPrintable(text) || len(text) > 3000 {
		t.Errorf("%d bytes of error: %.300q", len(text), text)
	}
}

// What is done with must not keep a timer or a goroutine: its context ends.
func TestHTTPEndsWhatIsDone(t *testing.T) {
	for name, rt := range map[string]roundTrip{"answer": always(200, "body"), "absence": always(404, ""), "failure": refused} {
		var inner context.Context
		u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
			inner = r.Context()
			return rt(r)
		})
		if resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest")); err == nil {
			if inner.Err() != nil {
				t.Errorf("%s: the request has ended before its body", name)
			}
			resp.Body.Close()
		}
		if inner.Err() == nil {
			t.Errorf("%s: the request's context lives on", name)
		}
	}
}
