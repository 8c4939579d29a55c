package fetch_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// What is removed while it is found out who asks is not handed out from before.
func TestPurgedWhileAuthorizing(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	purge := false
	h := fetch.NewHandler(c, &fetch.HandlerOptions{Authorize: func(r *http.Request, _ upstream.Request) error {
		if purge { // by somebody else, while this waits for a directory server
			if n, err := c.Purge(t.Context(), "example.com"); n == 0 || err != nil {
				t.Errorf("purged %d, %v", n, err)
			}
		}
		return nil
	}})
	status := ""
	for _, purge = range []bool{false, false, true} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.mod", nil))
		status = w.Header().Get("Cache-Status")
	}
	if strings.Contains(status, "hit") {
		t.Errorf("after the purge it was answered with %q", status)
	}
}

// Whoever asks, however, while options change and entries go, gets the file or learns that
// he has it, and nothing is read that another writes.
func TestHeldStorm(t *testing.T) {
	o := newOrigin(t)
	opts := fetch.Options{Go: &fetch.GoSettings{GOPROXY: serve(t, o), GOSUMDB: "off"}, Logger: slog.New(slog.DiscardHandler)}
	c := newClient(t, opts)
	h := [2]http.Handler{fetch.NewHandler(c, nil), fetch.NewHandler(c, &fetch.HandlerOptions{MaxAge: -1})}
	paths := []string{"/example.com/hello/@v/v1.0.0.mod", "/example.com/hello/@v/v1.0.0.info", "/example.com/hello/@v/list", "/example.com/hello/@v/v1.0.0.zip"}
	want, tags := map[string]string{}, map[string]string{}
	for _, p := range paths {
		w := httptest.NewRecorder()
		h[0].ServeHTTP(w, httptest.NewRequest("GET", p, nil))
		want[p], tags[p] = w.Body.String(), w.Header().Get("ETag")
		if w.Code != 200 {
			t.Fatal(p, w.Code)
		}
	}
	ends := time.Now().Add(4 * time.Second)
	var all sync.WaitGroup
	for n := range 12 {
		all.Go(func() {
			for i := n; time.Now().Before(ends) && !t.Failed(); i++ {
				p := paths[i%len(paths)]
				r := httptest.NewRequest("GET", p, nil)
				other := paths[i/7%len(paths)]
				if i%3 == 0 {
					r.Header.Set("If-None-Match", tags[other])
				}
				w := httptest.NewRecorder()
				h[n%2].ServeHTTP(w, r)
				switch {
				case w.Code == 200 && w.Body.String() == want[p] && w.Header().Get("ETag") == tags[p]:
					if cc := w.Header().Get("Cache-Control"); p == paths[2] && (cc == "no-cache") != (n%2 == 1) {
						t.Errorf("handler %d says %q", n%2, cc)
					}
				case w.Code == 304 && i%3 == 0 && tags[other] == tags[p]:
				default:
					t.Errorf("%s (has %s): %d %q", p, other, w.Code, w.Body)
				}
			}
		})
	}
	all.Go(func() {
		for i := 0; time.Now().Before(ends); i++ {
			time.Sleep(5 * time.Millisecond)
			switch {
			case i%20 == 0:
				if err := c.Reconfigure(&opts); err != nil {
					t.Error(err)
				}
			case i%3 == 0:
				c.Purge(t.Context(), "example.com")
			}
		}
	})
	all.Wait()
}
