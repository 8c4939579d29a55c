package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// More than the sources may be sent, and than may wait, is turned away at once,
// with word of when to come back. What is in the cache is served all the same.
func TestShedding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := chaosOrigin(t, "public.example", 10)
		m := newMirror("slow", o, 1)
		c := newClient(t, fetch.Options{
			Upstream: m.overPipes(t),
			Limit:    &breaker.LimitOptions{SmallFiles: 2, Queue: 3},
		})
		h := fetch.NewHandler(c, nil)
		ask := func(i int) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", fmt.Sprintf("/public.example/m%02d/@v/v1.%d.0.info", i, i), nil))
			return w
		}
		if w := ask(9); w.Code != 200 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		m.setLatency(5 * time.Second)
		var all sync.WaitGroup
		var served, shed atomic.Int64
		for i := range 9 {
			all.Go(func() {
				begun := time.Now()
				switch w := ask(i); w.Code {
				case 200:
					served.Add(1)
				case 503:
					shed.Add(1)
					if w.Header().Get("Retry-After") == "" || time.Since(begun) > 0 {
						t.Errorf("turned away after %v with Retry-After %q: %s", time.Since(begun), w.Header().Get("Retry-After"), w.Body)
					}
				default:
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
			})
			synctest.Wait()
		}
		if w := ask(9); w.Code != 200 {
			t.Errorf("of a cached file: status %d: %s", w.Code, w.Body)
		}
		all.Wait()
		if served.Load() != 5 || shed.Load() != 4 {
			t.Errorf("%d served and %d turned away, want 5 and 4", served.Load(), shed.Load())
		}
	})
}

// A refresh that nobody waits for lets those go first who are waited for.
func TestRefreshesGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		source := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
			mu.Lock()
			order = append(order, req.Module())
			mu.Unlock()
			pause(ctx, time.Second)
			return "v1.0.0\n", nil
		}}
		c := newClient(t, fetch.Options{Upstream: source, Limit: &breaker.LimitOptions{SmallFiles: 1}})
		list := func(path string) {
			resp, err := c.Fetch(t.Context(), request(t, upstream.List, path, ""))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		}
		list("old.example/a")
		list("old.example/b")
		time.Sleep(2 * time.Minute)
		mu.Lock()
		order = nil
		mu.Unlock()
		var all sync.WaitGroup
		all.Go(func() { list("new.example/first") })
		synctest.Wait()
		list("old.example/a") // each begins a refresh in the background
		list("old.example/b")
		synctest.Wait()
		all.Go(func() { list("new.example/second") })
		all.Wait()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 4 || order[1] != "new.example/second" {
			t.Errorf("the source was asked in this order: %v", order)
		}
	})
}

// When the last caller has gone, nobody works any more: not at the sources, not
// in a queue, not in a wait before the next try.
func TestNobodyWorksForThoseWhoAreGone(t *testing.T) {
	for name, weather := range map[string]weather{"black hole": blackHole, "503": statusOf(503, 0), "dripping": dripping} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var inside atomic.Int64
				s := newStorm(t, fetch.Options{Limit: &breaker.LimitOptions{SmallFiles: 4, Zips: 4}}, time.Millisecond, overPipes(t))
				s.each(func(m *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
					inside.Add(1)
					context.AfterFunc(r.Context(), func() { inside.Add(-1) })
					return weather(m, w, r)
				})
				ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer leave()
				s.run(t, ctx, s.keys(), 50)
				time.Sleep(10 * time.Second) // the grace, and the time for a source on trial
				for _, m := range s.mirrors {
					m.paths()
				}
				if n := inside.Load(); n != 0 {
					t.Errorf("%d requests are still under way", n)
				}
				time.Sleep(time.Hour)
				for _, m := range s.mirrors {
					if asked := m.paths(); len(asked) > 0 {
						t.Errorf("%s was asked for %v", m.name, asked)
					}
				}
			})
		})
	}
}

// With probes, a mirror that comes back is known to be back before anybody has
// to try it, and the ranking tells who is best and whose lists are behind.
func TestProbesAndRanking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t, fetch.Options{Probe: &breaker.ProbeOptions{Every: 10 * time.Second, Module: "public.example/m00"}},
			40*time.Millisecond, overPipes(t))
		s.mirrors[0].set(blackHole)
		s.mirrors[2].setLatency(200 * time.Millisecond)
		s.run(t, t.Context(), s.keys(), 8)
		time.Sleep(time.Minute)
		ranking := s.client.Ranking()
		if first := ranking[0].Source; first == "http://mirror1.example" {
			t.Errorf("the best is %s, which is a black hole", first)
		}
		for _, standing := range ranking {
			if probed := !standing.Probed.IsZero(); probed == (standing.Source == "http://private.example") {
				t.Errorf("%s probed: %v; the private source may not be asked for that module", standing.Source, probed)
			}
			if standing.Source == "http://mirror1.example" && standing.Health[upstream.SmallFiles].State == upstream.Working {
				t.Errorf("the black hole counts as working: %+v", standing)
			}
		}
		s.mirrors[0].set(nil)
		time.Sleep(30 * time.Second)
		for _, standing := range s.client.Ranking() {
			if standing.Source == "http://mirror1.example" && standing.Health[upstream.SmallFiles].State != upstream.Working {
				t.Errorf("after the outage: %+v", standing)
			}
		}
	})
}
