package fetch_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// long is the way that an answer takes when the handler does not know the Fetcher.
type long struct{ fetch.Fetcher }

// sight is all that a client and those who are told of requests learn.
type sight struct {
	Status int
	Header http.Header
	Body   string
	Access fetch.Access
	Record audit.Record
}

func answerOf(t *testing.T, f fetch.Fetcher, id string, r *http.Request) sight {
	t.Helper()
	var a sight
	h := fetch.NewHandler(f, &fetch.HandlerOptions{
		ID:     id,
		Access: func(_ context.Context, told fetch.Access) { a.Access = told },
		Audit:  func(_ context.Context, told audit.Record) { a.Record = told },
	})
	for range 2 { // the second time by what was kept the first time
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.Clone(t.Context()))
		a.Status, a.Header, a.Body = w.Code, w.Header(), w.Body.String()
	}
	return a
}

// What is answered from memory as it is there is what the long way would answer, but for
// the offer of parts: of a text of one packet nobody wants one.
func TestHeldEqualsFetched(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	const mod, info = "example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.0.0.info"
	tests := []struct{ name, method, key, field, value string }{
		{"a go.mod file", "GET", mod, "", ""},
		{"a zip", "GET", "example.com/hello/@v/v1.0.0.zip", "", ""},
		{"an .info", "GET", info, "", ""},
		{"a list", "GET", "example.com/hello/@v/list", "", ""},
		{"the latest version", "GET", "example.com/hello/@latest", "", ""},
		{"HEAD", "HEAD", mod, "", ""},
		{"HEAD of a list", "HEAD", "example.com/hello/@v/list", "", ""},
		{"a part", "GET", mod, "Range", "bytes=1-3"},
		{"what the client has", "GET", mod, "If-None-Match", "*"},
		{"what it had then", "GET", info, "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"},
		{"without asking", "GET", mod, "Disable-Module-Fetch", "true"},
		{"round in a circle", "GET", mod, "Via", "1.1 here"},
		{"through another", "GET", mod, "Via", "1.1 there"},
	}
	offersParts := cmpopts.IgnoreMapEntries(func(field string, _ []string) bool { return field == "Accept-Ranges" })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.method == "GET" || tt.method == "HEAD" {
				resp, err := c.Fetch(t.Context(), requestOf(t, tt.key))
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
			r := httptest.NewRequest(tt.method, "/"+tt.key, nil)
			if tt.field != "" {
				r.Header.Set(tt.field, tt.value)
			}
			want, got := answerOf(t, long{c}, "here", r), answerOf(t, c, "here", r)
			ignored := cmp.Options{
				cmpopts.IgnoreFields(fetch.Access{}, "Time", "Took", "Request", "Err"), cmpopts.IgnoreFields(audit.Record{}, "Time"),
			}
			if !strings.HasSuffix(tt.key, ".zip") {
				ignored = append(ignored, offersParts)
			}
			if diff := cmp.Diff(want, got, ignored); diff != "" {
				t.Errorf("(-long way +held):\n%s", diff)
			}
		})
	}
}

func requestOf(t *testing.T, key string) upstream.Request {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// What may not be handed out any more is not, although it is in memory, and what is
// old is renewed.
func TestHeldIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if req.Kind() == upstream.List {
				return "v1.0.0\n", nil
			}
			return goMod, nil
		}}
		opts := fetch.Options{Upstream: source, Store: cache.NewMemory(nil)}
		c := newClient(t, opts)
		h := fetch.NewHandler(c, nil)
		age := "" // of the latest answer
		status := func(path string) int {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			age = w.Header().Get("Age")
			return w.Code
		}
		const mod, list = "/example.com/hello/@v/v1.0.0.mod", "/example.com/hello/@v/list"
		for range 3 {
			if a, b := status(mod), status(list); a != 200 || b != 200 {
				t.Fatalf("status %d and %d, want 200", a, b)
			}
		}
		if n := source.calls.Load(); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		if n := c.Stats().Requests; n[fetch.HitMemory] != 4 || n[fetch.Miss] != 2 {
			t.Errorf("outcomes %v, want 4 hits and 2 misses", n)
		}
		for range 3 {
			time.Sleep(time.Second)
			status(list)
		}
		if age != "3" {
			t.Errorf("Age %q of a list, want 3", age)
		}
		time.Sleep(52 * time.Second)
		status(list) // which is asked for often: it is renewed ahead of time
		synctest.Wait()
		if n := source.calls.Load(); n != 3 {
			t.Errorf("%d calls after a while, want 3", n)
		}
		time.Sleep(2 * time.Hour)
		status(list)
		if n := source.calls.Load(); n != 4 {
			t.Errorf("%d calls after hours, want 4", n)
		}

		opts.Claimed, opts.Go, opts.Logger = "example.com", &fetch.GoSettings{GOSUMDB: "off"}, slog.New(slog.DiscardHandler)
		if err := c.Reconfigure(&opts); err != nil {
			t.Fatal(err)
		}
		if got := status(mod); got != 403 {
			t.Errorf("status %d of what is claimed, want 403", got)
		}
		opts.Claimed = ""
		if err := c.Reconfigure(&opts); err != nil {
			t.Fatal(err)
		}
		if got := status(mod); got != 200 {
			t.Errorf("status %d of what is claimed no more, want 200", got)
		}
		c.Close()
		if got := status(mod); got != 503 {
			t.Errorf("status %d of a closed Client, want 503", got)
		}
	})
}

// Handlers that share a Client do not share their headers.
func TestHeldByTwoHandlers(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: dated(time.Unix(1e9, 0))})
	private := &fetch.HandlerOptions{Authorize: func(*http.Request, upstream.Request) error { return nil }}
	r := httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.mod", nil)
	header := func(f fetch.Fetcher, opts *fetch.HandlerOptions) http.Header {
		w := httptest.NewRecorder()
		fetch.NewHandler(f, opts).ServeHTTP(w, r)
		return w.Header()
	}
	header(c, nil)
	flush(t, c) // so that it is in memory
	for _, opts := range []*fetch.HandlerOptions{nil, private, nil} {
		want := header(long{c}, opts)
		want.Del("Accept-Ranges")
		if diff := cmp.Diff(want, header(c, opts)); diff != "" {
			t.Errorf("(-long way +held):\n%s", diff)
		}
	}
}

// A hit allocates nothing but the header's map.
func TestHeldAllocations(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	h := fetch.NewHandler(c, nil)
	for _, key := range []string{
		"example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.0.0.info", "example.com/hello/@v/list", "example.com/hello/@v/v1.0.0.zip",
	} {
		r := httptest.NewRequest("GET", "/"+key, nil)
		w := &deafWriter{header: http.Header{}}
		h.ServeHTTP(w, r)
		flush(t, c)
		allocs := testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations, want none", key, allocs)
		}
	}
}

// A deafWriter is a ResponseWriter that keeps nothing.
type deafWriter struct{ header http.Header }

func (b *deafWriter) Header() http.Header         { return b.header }
func (b *deafWriter) Write(p []byte) (int, error) { return len(p), nil }
func (b *deafWriter) WriteHeader(int)             {}
