package fetch_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A primary that is a black hole costs the first request the delay of a hedge,
// and once its circuit is open, next to nothing.
func TestChaosBlackHole(t *testing.T) {
	storms := map[string]func(*storm){
		"answers nothing":        func(s *storm) { s.mirrors[0].set(blackHole) },
		"swallows connections":   func(s *storm) { s.mirrors[0].setDial(swallowed) },
		"nothing, after a while": nil, // set below: it was fine at first
	}
	for name, set := range storms {
		t.Run(name, func(t *testing.T) {
			var healthy, open report
			var first, usual time.Duration
			for range 2 {
				synctest.Test(t, func(t *testing.T) {
					s := newStorm(t, fetch.Options{}, 40*time.Millisecond, overPipes(t))
					keys := s.keys()
					s.run(t, t.Context(), keys[:len(keys)/2], 8)
					healthy.add(s.run(t, t.Context(), keys[len(keys)/2:], 8))
				})
				synctest.Test(t, func(t *testing.T) {
					s := newStorm(t, fetch.Options{}, 40*time.Millisecond, overPipes(t))
					keys := s.keys()
					if set != nil {
						set(s)
					} else {
						s.run(t, t.Context(), keys[:10], 8)
						s.mirrors[0].set(blackHole)
						keys = keys[10:]
					}
					one := s.run(t, t.Context(), keys[:1], 1)
					first = max(first, one.took[0])
					s.run(t, t.Context(), keys[1:len(keys)/2], 8)
					for i := len(keys) / 2; i < len(keys); i += 6 {
						// Over more than a minute, so that the circuit is half-open
						// now and then.
						open.add(s.run(t, t.Context(), keys[i:min(i+6, len(keys))], 6))
						time.Sleep(5 * time.Second)
					}
				})
			}
			usual = healthy.at(0.99)
			t.Logf("first %v; then %v, healthy %v", first, open, healthy)
			if most := 300*time.Millisecond + usual; first > most {
				t.Errorf("the first request took %v, more than the hedge's delay and a healthy fetch, %v", first, most)
			}
			if most := usual * 12 / 10; open.at(0.99) > most {
				t.Errorf("with the circuit open the p99 is %v, more than %v", open.at(0.99), most)
			}
			for _, what := range append(healthy.wrong, open.wrong...) {
				t.Error(what)
			}
		})
	}
}

// With everything down, all that the cache holds is served, also what can
// change, and says how old it is.
func TestChaosAllDownAfterWarmUp(t *testing.T) {
	for name, set := range map[string]func(*storm){
		"503":        func(s *storm) { s.each(statusOf(503, 0)); s.private.set(statusOf(503, 0)) },
		"black hole": func(s *storm) { s.each(blackHole); s.private.set(blackHole) },
		"refusing": func(s *storm) {
			for _, m := range append(s.mirrors[:], s.private) {
				m.setDial(refused)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStorm(t, fetch.Options{}, 40*time.Millisecond, overPipes(t))
				keys := s.keys()
				s.run(t, t.Context(), keys, 8)
				time.Sleep(24 * time.Hour) // nothing is fresh any more
				set(s)
				r := s.run(t, t.Context(), keys, 8)
				t.Log(r)
				for _, what := range r.wrong {
					t.Error(what)
				}
				req := request(t, upstream.List, "public.example/m00", "")
				resp, err := s.client.Fetch(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if age := time.Since(resp.Fetched); resp.Stale == nil || age < 24*time.Hour {
					t.Errorf("the list is %v old and stale because of %v", age, resp.Stale)
				}
			})
		})
	}
}

// In an outage of everything the sources are asked less and less, however many
// callers there are, and they are asked again soon after it.
func TestChaosOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t, fetch.Options{}, 40*time.Millisecond, overPipes(t))
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		defer callers.Wait()
		defer stop()
		var mu sync.Mutex
		var served int
		var well time.Time       // since when every request must be answered
		for worker := range 20 { // 20 callers, each of them asks for something new 10 times a second
			callers.Go(func() {
				for i := 0; pause(ctx, 100*time.Millisecond); i++ {
					callers.Go(func() {
						begun := time.Now()
						err := s.check(ctx, missing(worker, i))
						mu.Lock()
						defer mu.Unlock()
						if upstream.ClassOf(err) == upstream.NotFound {
							served++
						} else if ctx.Err() == nil && !well.IsZero() && begun.After(well) {
							t.Errorf("begun %v after the outage: %v", begun.Sub(well), err)
						}
					})
				}
			})
		}
		asked := func(d time.Duration) (perSecond float64) {
			for _, m := range s.mirrors {
				m.paths()
			}
			s.forbidden.paths()
			time.Sleep(d)
			for _, m := range s.mirrors {
				perSecond += float64(len(m.paths())) / d.Seconds()
			}
			return perSecond
		}
		usual := asked(10 * time.Second)
		s.each(statusOf(503, 0))
		begins := asked(2 * time.Second)
		later := asked(30 * time.Second)
		mu.Lock()
		served = 0
		mu.Unlock()
		s.each(nil)
		time.Sleep(time.Second) // more than a last resort, less than a probe's interval
		mu.Lock()
		first := served
		well = time.Now()
		mu.Unlock()
		again := asked(10 * time.Second)
		t.Logf("requests per second at the sources: usual %.0f, outage begins %.0f, goes on %.0f, is over %.0f; served in the first second after it: %d", usual, begins, later, again, first)
		if later > usual/4 {
			t.Errorf("in the outage the sources get %.0f requests per second, usually %.0f", later, usual)
		}
		if first == 0 {
			t.Error("within a second after the outage nobody was served")
		}
	})
}

// missing returns the key of a file that no mirror has.
func missing(worker, i int) string {
	return "public.example/missing/" + strings.Repeat("a", worker+1) + "/" + strings.Repeat("b", i+1) + "/@v/list"
}
