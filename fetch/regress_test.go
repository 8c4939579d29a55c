package fetch_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// Two proxies that have each other as their first source, asked for the same at
// the same time, must not wait for each other.
func TestCrossedProxiesDoNotWaitForEachOther(t *testing.T) {
	o := newOrigin(t)
	originURL := serve(t, o)
	var handlers [2]atomic.Pointer[http.Handler]
	var urls [2]string
	for i := range urls {
		urls[i] = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handlers[i].Load()).ServeHTTP(w, r) }))
	}
	for i := range handlers {
		h := fetch.NewHandler(newClient(t, proxyOptions(urls[1-i]+"|"+originURL)), nil)
		handlers[i].Store(&h)
	}
	var all sync.WaitGroup
	for _, key := range o.Keys() {
		for _, url := range urls {
			all.Go(func() {
				if code, _, body := get(t, url+"/"+key); code != 200 || body != string(o.File(key)) {
					t.Errorf("%s: status %d", key, code)
				}
			})
		}
	}
	all.Wait()
}

func TestLongViaIsNotPassedOn(t *testing.T) {
	o := newOrigin(t)
	h := fetch.NewHandler(newClient(t, proxyOptions(serve(t, o))), nil)
	r := httptest.NewRequest("GET", "/example.com/hello/@v/list", nil)
	r.Header.Set("Via", "1.1 "+strings.Repeat("x", 30_000))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	checkErrorBody(t, "a long Via", w, 403)
	if asked := o.Asked(); asked != nil {
		t.Errorf("the source was asked for %v", asked)
	}
}

// Whatever an ID holds, a request that comes back with it is known, and another
// proxy's is not taken for it.
func TestLoopIsSeenWhateverTheID(t *testing.T) {
	for _, id := range []string{"plain", "north office", "a,b", "a, 1.1 b", "tab\tline\n", "(comment)", "büro", "100%", "%20", " "} {
		t.Run(id, func(t *testing.T) {
			source := &scripted{answer: func(ctx context.Context, _ upstream.Request) (string, error) { return upstream.Via(ctx) + "\n", nil }}
			h := fetch.NewHandler(source, &fetch.HandlerOptions{ID: id})
			w := answerTo(h, "GET", "/example.com/hello/@v/list")
			via := strings.TrimSuffix(w.Body.String(), "\n")
			if words := strings.FieldsFunc(via, func(r rune) bool { return r == ' ' || r == ',' || r < ' ' || r > '~' }); len(words) != 2 {
				t.Errorf("Via %q, want a protocol and a name", via)
			}
			checkErrorBody(t, "back again", answerTo(h, "GET", "/example.com/hello/@v/list", "Via", via), 403)
			other := fetch.NewHandler(source, &fetch.HandlerOptions{ID: id + "."})
			if w := answerTo(other, "GET", "/example.com/hello/@v/list", "Via", via); w.Code != 200 {
				t.Errorf("at another proxy: status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// forgetful is a store that loses an entry just when it is looked for again.
type forgetful struct {
	cache.Store
	hits []bool // of the next look-ups, one after the other
}

func (f *forgetful) Get(ctx context.Context, key string) (*cache.Entry, error) {
	hit := true
	if len(f.hits) > 0 {
		hit, f.hits = f.hits[0], f.hits[1:]
	}
	if !hit {
		return nil, &cache.MissError{Key: key}
	}
	return f.Store.Get(ctx, key)
}

func TestEntryEvictedBetweenTwoLooks(t *testing.T) {
	o := newOrigin(t)
	store := &forgetful{Store: cache.NewMemory(nil)}
	opts := proxyOptions(serve(t, o))
	opts.Store = store
	c := newClient(t, opts)
	req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	if _, err := upstream.ReadAll(t.Context(), c, req); err != nil {
		t.Fatal(err)
	}
	store.hits = []bool{false, true, false} // the caller's, the flight's, the caller's
	if _, err := upstream.ReadAll(t.Context(), c, req); err != nil {
		t.Error(err)
	}
}

type panickyStore struct{ cache.Store }

func (panickyStore) Put(context.Context, string, cache.Content) error { panic("boom") }

// What can change is stored before it is handed out, a file of a version afterwards.
func TestPanicOfAStoreEndsTheFlightOnly(t *testing.T) {
	o := newOrigin(t)
	opts := proxyOptions(serve(t, o))
	opts.Store = panickyStore{cache.NewMemory(nil)}
	c := newClient(t, opts)
	for range 2 {
		_, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
		if err == nil || upstream.ClassOf(err) != upstream.Unavailable || strings.Contains(err.Error(), "goroutine") {
			t.Errorf("got %v", err)
		}
		readKey(t, c, "example.com/hello/@v/v1.0.0.mod")
		flush(t, c)
	}
}

// blocking is a body whose Read ends only with Close.
type blocking struct{ closed chan struct{} }

func (b blocking) Read([]byte) (int, error) { <-b.closed; return 0, io.ErrClosedPipe }

func (b blocking) Close() error {
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
	return nil
}

func TestCloseEndsABlockedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: blocking{make(chan struct{})}, Source: "blocking"}, nil
		})
		c := newClient(t, fetch.Options{Upstream: source})
		failed := make(chan error)
		go func() {
			_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
			failed <- err
		}()
		synctest.Wait()
		go c.Close()
		select {
		case err := <-failed:
			if upstream.ClassOf(err) != upstream.Canceled {
				t.Errorf("got %v, want canceled", err)
			}
		case <-time.After(time.Hour):
			t.Error("Close does not end it")
		}
	})
}

func TestPatternsKeepPrivateModulesFromAnUpstreamToo(t *testing.T) {
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
	c := newClient(t, fetch.Options{Upstream: source, Go: &fetch.GoSettings{GONOPROXY: "example.com/hello"}})
	_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if err == nil || source.calls.Load() != 0 { // by the network there is: no such host, or no such module
		t.Errorf("got %v after %d calls, want an error and none", err, source.calls.Load())
	}
}
