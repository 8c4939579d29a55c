package fetch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A storm is three mirrors, a private source and one that must never be asked,
// with a Client of default settings in front of them.
type storm struct {
	mirrors   [3]*mirror
	private   *mirror
	forbidden *mirror
	client    *fetch.Client
}

// newStorm makes a storm whose sources are reached by connect.
func newStorm(t testing.TB, opts fetch.Options, latency time.Duration, connect func(*mirror) upstream.Upstream) *storm {
	t.Helper()
	public, private := chaosOrigin(t, "public.example", 34), chaosOrigin(t, "private.example", 2)
	s := &storm{private: newMirror("private", private, 9), forbidden: newMirror("forbidden", public, 8)}
	var members []upstream.Upstream
	for i := range s.mirrors {
		s.mirrors[i] = newMirror(fmt.Sprintf("mirror%d", i+1), public, uint64(i))
		s.mirrors[i].setLatency(latency)
		members = append(members, connect(s.mirrors[i]))
	}
	s.private.setLatency(latency)
	list := upstream.Fallback(
		upstream.Step{Upstream: upstream.Mirrors(members...)},
		upstream.Step{Upstream: connect(s.forbidden)}, // behind a ",": only for what the mirrors do not have
	)
	opts.Upstream = upstream.Routes(list, upstream.Route{Patterns: "private.example", Upstream: connect(s.private)})
	opts.Go = &fetch.GoSettings{GOSUMDB: public.VerifierKey, GONOSUMDB: "private.example"}
	if opts.Retry == nil {
		opts.Retry = &breaker.RetryOptions{} // which newClient would switch off
	}
	s.client = newClient(t, opts)
	return s
}

// A report is how a run went.
type report struct {
	took  []time.Duration // of each file, sorted
	first time.Duration
	wrong []string
}

func (r report) at(p float64) time.Duration {
	return r.took[min(len(r.took)-1, int(p*float64(len(r.took))))]
}

// add makes one report of two.
func (r *report) add(other report) {
	r.took = append(r.took, other.took...)
	r.wrong = append(r.wrong, other.wrong...)
	slices.Sort(r.took)
}

func (r report) String() string {
	return fmt.Sprintf("%d of %d, p50 %v, p99 %v", len(r.took)-len(r.wrong), len(r.took),
		r.at(0.5).Round(time.Millisecond), r.at(0.99).Round(time.Millisecond))
}

// keys are all files that there are, in an order in which a build might want
// them.
func (s *storm) keys() []string {
	var keys []string
	for _, m := range []*mirror{s.mirrors[0], s.private} {
		for _, key := range m.origin.Keys() {
			if !strings.HasSuffix(key, "@latest") {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// run fetches the files with so many workers, and compares every byte.
func (s *storm) run(t testing.TB, ctx context.Context, keys []string, workers int) report {
	t.Helper()
	var r report
	var mu sync.Mutex
	todo := make(chan string)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for key := range todo {
				begun := time.Now()
				err := s.check(ctx, key)
				took := time.Since(begun)
				mu.Lock()
				if r.first == 0 {
					r.first = took
				}
				r.took = append(r.took, took)
				if err != nil {
					r.wrong = append(r.wrong, fmt.Sprintf("%s after %v: %v", key, took, err))
				}
				mu.Unlock()
			}
		})
	}
	for _, key := range keys {
		todo <- key
	}
	close(todo)
	all.Wait()
	slices.Sort(r.took)
	return r
}

func (s *storm) check(ctx context.Context, key string) error {
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		return err
	}
	resp, err := s.client.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got := new(strings.Builder)
	if _, err := copyAll(got, resp.Body); err != nil {
		return err
	}
	o := s.mirrors[0].origin
	if strings.HasPrefix(key, "private.") {
		o = s.private.origin
	}
	if got.String() != string(o.File(key)) {
		return fmt.Errorf("%d wrong bytes", got.Len())
	}
	return nil
}

// checkRoutes fails the test if anybody was asked who may not be.
func (s *storm) checkRoutes(t testing.TB) {
	t.Helper()
	if asked := s.forbidden.paths(); len(asked) > 0 {
		t.Errorf("the source behind the comma was asked for %v", asked)
	}
	for _, m := range s.mirrors {
		for _, path := range m.paths() {
			if strings.Contains(path, "private.example") {
				t.Errorf("%s was asked for %s", m.name, path)
			}
		}
	}
	for _, path := range s.private.paths() {
		if !strings.Contains(path, "private.example") {
			t.Errorf("the private source was asked for %s", path)
		}
	}
}

// scenarios are the kinds of bad weather. In each, every file can be had.
var scenarios = []struct {
	name string
	set  func(s *storm)

	// most is how many times the healthy p99 the p99 may be; 0: not limited.
	most float64
}{
	{"healthy", func(*storm) {}, 1}, // which the others are compared with
	{"one black-holed", func(s *storm) { s.mirrors[0].set(blackHole) }, 0},
	{"one swallows connections", func(s *storm) { s.mirrors[0].setDial(swallowed) }, 0},
	{"one refusing", func(s *storm) { s.mirrors[0].setDial(refused) }, 3},
	{"one 503", func(s *storm) { s.mirrors[0].set(statusOf(503, 0)) }, 3},
	{"one 429 with Retry-After", func(s *storm) { s.mirrors[0].set(statusOf(429, 5)) }, 3},
	{"10% hang", func(s *storm) { s.each(sometimes(0.1, blackHole)) }, 0},
	{"30% truncated", func(s *storm) { s.each(sometimes(0.3, truncated)) }, 0},
	{"5% corrupted", func(s *storm) { s.each(sometimes(0.05, corrupted)) }, 0},
	{"one dripping", func(s *storm) { s.mirrors[0].set(dripping) }, 0},
	{"all flaky", func(s *storm) { s.each(flaky) }, 5},
	{"one flapping", func(s *storm) { s.mirrors[0].set(flapping(2*time.Second, statusOf(503, 0))) }, 3},
	{"all flapping in turn", func(s *storm) {
		for i, m := range s.mirrors {
			m.set(flapping(time.Duration(i+2)*time.Second, statusOf(503, 0)))
		}
		s.mirrors[2].set(nil)
	}, 0},
	{"DNS failing for one", func(s *storm) { s.mirrors[0].setDial(noSuchHost) }, 3},
	{"two of three down", func(s *storm) { s.mirrors[0].setDial(refused); s.mirrors[1].set(blackHole) }, 0},
}

func overPipes(t testing.TB) func(*mirror) upstream.Upstream {
	return func(m *mirror) upstream.Upstream { return m.overPipes(t) }
}

func (s *storm) each(w weather) {
	for _, m := range s.mirrors {
		m.set(w)
	}
}

// rounds is how many storms a scenario's figures are taken of, for a 99th
// percentile to rest on more than one file, and many where it is to be within a
// limit.
func rounds(most float64) int {
	if most == 1 || most == 5 {
		return 12
	}
	return 3
}

// Every file is there, and right, whatever the weather, as long as one mirror
// can answer.
func TestChaos(t *testing.T) {
	var healthy report
	for _, scenario := range scenarios {
		t.Run(scenario.name, func(t *testing.T) {
			var all report
			for range rounds(scenario.most) {
				synctest.Test(t, func(t *testing.T) {
					s := newStorm(t, fetch.Options{}, 40*time.Millisecond, overPipes(t))
					scenario.set(s)
					all.add(s.run(t, t.Context(), s.keys(), 8))
					s.checkRoutes(t)
				})
			}
			t.Logf("%-26s %v", scenario.name, all)
			for _, what := range all.wrong {
				t.Error(what)
			}
			if scenario.name == "healthy" {
				healthy = all
			}
			if most := time.Duration(scenario.most * float64(healthy.at(0.99))); most > 0 && all.at(0.99) > most {
				t.Errorf("p99 is %v, more than %v", all.at(0.99), most)
			}
		})
	}
}
