package fetch_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// dated is a source of files that changed at some time, or of which nobody knows when
// (the Unix epoch, for http.ServeContent).
func dated(modTime time.Time) upstream.Upstream {
	return upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		content := goMod
		if req.Kind() == upstream.List {
			content = "v1.0.0\n"
		}
		return &upstream.Response{Body: io.NopCloser(strings.NewReader(content)), ModTime: modTime, Source: "dated"}, nil
	})
}

// Who gives back what it was sent to tell the file by is told that it has it, from what
// was kept with the entry, as http.ServeContent would tell it; what it makes of other
// conditions is its own.
func TestHeldConditions(t *testing.T) {
	const mod, list = "/example.com/hello/@v/v1.0.0.mod", "/example.com/hello/@v/list"
	changed := time.Date(2024, 5, 6, 7, 8, 9, 987, time.UTC)
	const date, before, after = "Mon, 06 May 2024 07:08:09 GMT", "Mon, 06 May 2024 07:08:08 GMT", "Mon, 06 May 2024 07:08:10 GMT"
	tests := []struct {
		name       string
		modTime    time.Time
		conditions []string // pairs of a field and its value, in which TAG is the entity tag
		want       int
	}{
		{"its tag", changed, []string{"If-None-Match", "TAG"}, 304},
		{"its tag, weak", changed, []string{"If-None-Match", "W/TAG"}, 304},
		{"another tag", changed, []string{"If-None-Match", `"another"`}, 200},
		{"several tags", changed, []string{"If-None-Match", `"another", TAG`}, 304},
		{"no tag", changed, []string{"If-None-Match", ""}, 200},
		{"no tag, and its date", changed, []string{"If-None-Match", "", "If-Modified-Since", date}, 304},
		{"its tag and nonsense", changed, []string{"If-None-Match", "TAG TAG"}, 304},
		{"its date", changed, []string{"If-Modified-Since", date}, 304},
		{"a later date", changed, []string{"If-Modified-Since", after}, 304},
		{"an earlier date", changed, []string{"If-Modified-Since", before}, 200},
		{"no date", changed, []string{"If-Modified-Since", ""}, 200},
		{"its tag and an earlier date", changed, []string{"If-None-Match", "TAG", "If-Modified-Since", before}, 304},
		{"another tag and its date", changed, []string{"If-None-Match", `"another"`, "If-Modified-Since", date}, 200},
		{"its tag, for a part", changed, []string{"If-None-Match", "TAG", "Range", "bytes=0-1"}, 304},
		{"a part, if it is as it was", changed, []string{"If-Range", "TAG", "Range", "bytes=0-1"}, 206},
		{"it must match, and must not", changed, []string{"If-Match", "TAG", "If-None-Match", "TAG"}, 304},
		{"another tag must match", changed, []string{"If-Match", `"another"`, "If-None-Match", "TAG"}, 412},
		{"no date is known", time.Time{}, []string{"If-Modified-Since", after}, 200},
		{"none is known or asked about", time.Time{}, []string{"If-Modified-Since", ""}, 200},
		{"the date of no date", time.Unix(0, 0), []string{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}, 200},
		{"its tag, of no date", time.Unix(0, 0), []string{"If-None-Match", "TAG"}, 304},
	}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(fetch.Access{}, "Time", "Took", "Request"), cmpopts.IgnoreFields(audit.Record{}, "Time"),
		cmpopts.IgnoreMapEntries(func(field string, _ []string) bool { return field == "Accept-Ranges" }),
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, fetch.Options{Upstream: dated(tt.modTime)})
			for _, method := range []string{"GET", "HEAD"} {
				for _, path := range []string{mod, list} {
					r := httptest.NewRequest(method, path, nil)
					tag := answerOf(t, c, "here", r).Header.Get("ETag")
					for i := 0; i < len(tt.conditions); i += 2 {
						r.Header.Set(tt.conditions[i], strings.ReplaceAll(tt.conditions[i+1], "TAG", tag))
					}
					want, got := answerOf(t, long{c}, "here", r), answerOf(t, c, "here", r)
					if diff := cmp.Diff(want, got, ignored); diff != "" {
						t.Errorf("%s %s: (-long way +held):\n%s", method, path, diff)
					}
					if got.Status != tt.want {
						t.Errorf("%s %s: status %d, want %d", method, path, got.Status, tt.want)
					}
				}
			}
		})
	}
}

// That nothing has changed costs no more than the answer of which it is said.
func TestHeldConditionsAllocations(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: dated(time.Unix(1e9, 0))})
	h := fetch.NewHandler(c, nil)
	r := httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.mod", nil)
	first := httptest.NewRecorder()
	h.ServeHTTP(first, r)
	flush(t, c)
	for condition, validator := range map[string]string{"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"} {
		r.Header = http.Header{condition: {first.Header().Get(validator)}}
		w := &deafWriter{header: http.Header{}}
		allocs := testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations, want none", condition, allocs)
		}
	}
}

// A readCounter is a store that counts the reads of what it has handed out.
type readCounter struct {
	cache.Store
	reads atomic.Int64
}

func (s *readCounter) Get(ctx context.Context, key string) (*cache.Entry, error) {
	e, err := s.Store.Get(ctx, key)
	if err == nil {
		e.Body = countedBody{e.Body, s}
	}
	return e, err
}

type countedBody struct {
	cache.Body
	store *readCounter
}

func (b countedBody) Read(p []byte) (int, error) {
	b.store.reads.Add(1)
	return b.Body.Read(p)
}

func (b countedBody) ReadAt(p []byte, at int64) (int, error) {
	b.store.reads.Add(1)
	return b.Body.ReadAt(p, at)
}

// Of what is on a disk nothing is read to say that it has not changed, or how long it is.
func TestConditionsReadNothing(t *testing.T) {
	disk, err := cache.OpenDisk(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	s := &readCounter{Store: disk}
	c := newClient(t, fetch.Options{Upstream: dated(time.Unix(1e9, 0)), Store: s})
	h := fetch.NewHandler(c, nil)
	ask := func(method string, header http.Header) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/example.com/hello/@v/v1.0.0.mod", nil)
		r.Header = header
		h.ServeHTTP(w, r)
		return w
	}
	ask("GET", nil) // so that it is there
	flush(t, c)
	tag := ask("GET", nil).Header().Get("ETag")
	tests := []struct {
		name, method string
		header       http.Header
		status       int
		isRead       bool
	}{
		{"all", "GET", nil, 200, true},
		{"what it has", "GET", http.Header{"If-None-Match": {tag}}, 304, false},
		{"what has not changed since", "GET", http.Header{"If-Modified-Since": {"Sun, 09 Sep 2001 01:46:40 GMT"}}, 304, false},
		{"the header", "HEAD", nil, 200, false},
	}
	for _, tt := range tests {
		before := s.reads.Load()
		if got := ask(tt.method, tt.header).Code; got != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.status)
		}
		if got := s.reads.Load() > before; got != tt.isRead {
			t.Errorf("%s: the file was read: %v, want %v", tt.name, got, tt.isRead)
		}
	}
}
