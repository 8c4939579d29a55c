package breaker_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// lister is a source of version lists.
type lister struct {
	*source
	list atomic.Pointer[string]
}

func listing(name string, versions ...string) *lister {
	l := &lister{source: &source{name: name}}
	l.lists(versions...)
	return l
}

func (l *lister) lists(versions ...string) {
	list := strings.Join(versions, "\n")
	l.list.Store(&list)
}

func (l *lister) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if _, err := l.source.Fetch(ctx, req); err != nil {
		return nil, err
	}
	list := *l.list.Load()
	return &upstream.Response{Body: io.NopCloser(strings.NewReader(list)), Size: int64(len(list)), Source: l.name}, nil
}

// probing begins to probe sources, until the test ends.
func probing(t *testing.T, opts *breaker.ProbeOptions, sources ...upstream.Upstream) *breaker.Prober {
	t.Helper()
	p, err := breaker.NewProber(sources, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// A probe is a background request for a list, made at once and then about every
// so often, never all in step.
func TestProberAsks(t *testing.T) {
	tests := []struct {
		name   string
		opts   *breaker.ProbeOptions
		every  time.Duration
		module string
	}{
		{"defaults", nil, 30 * time.Second, "golang.org/x/mod"},
		{"zero options", &breaker.ProbeOptions{}, 30 * time.Second, "golang.org/x/mod"},
		{"negative", &breaker.ProbeOptions{Every: -1, Timeout: -1}, 30 * time.Second, "golang.org/x/mod"},
		{"own", &breaker.ProbeOptions{Every: time.Minute, Module: "a.example/M"}, time.Minute, "a.example/M"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := clock(&source{name: "proxy"})
				s.answer = func(ctx context.Context, req upstream.Request) error {
					if req.Kind() != upstream.List || req.Module() != test.module {
						t.Errorf("asked for %s", req.Key())
					}
					if upstream.PriorityOf(ctx) != upstream.Background {
						t.Error("a probe takes precedence")
					}
					if ctx.Err() != nil {
						t.Error("a probe has no time at all")
					}
					return nil
				}
				p := probing(t, test.opts, s)
				time.Sleep(200 * test.every)
				p.Close()
				if s.at[0] != 0 || len(s.at) < 190 || len(s.at) > 210 {
					t.Fatalf("%d probes, the first after %v", len(s.at), s.at[0])
				}
				shortest, longest := s.waits()[0], s.waits()[0]
				for _, wait := range s.waits() {
					shortest, longest = min(shortest, wait), max(longest, wait)
				}
				if fifth := test.every / 5; shortest < test.every-fifth || shortest > test.every-fifth/2 ||
					longest > test.every+fifth || longest < test.every+fifth/2 {
					t.Errorf("waits are %v to %v, want about %v give or take a fifth", shortest, longest, test.every)
				}
			})
		})
	}
}

// A source that is out comes back without anybody's asking, though its OpenFor
// is far from over.
func TestProberBringsASourceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: time.Hour})(s)
		probing(t, nil, u)
		synctest.Wait()
		if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Out {
			t.Errorf("after a probe that failed the source is %v", got)
		}
		s.works()
		time.Sleep(36 * time.Second)
		if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Working {
			t.Errorf("after one that succeeded it is %v", got)
		}
	})
}

// A source that takes requests and never answers is found out by the probes'
// own bound.
func TestProberFindsABlackHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hole := &source{name: "hole", takes: 1000 * time.Hour}
		u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 3, Silence: -1, OpenFor: time.Hour})(hole)
		p := probing(t, &breaker.ProbeOptions{Timeout: 2 * time.Second}, u)
		time.Sleep(2*time.Second - 1)
		synctest.Wait()
		if at, err := p.Last(0); !at.IsZero() || err != nil {
			t.Errorf("before its time: %v, %v", at, err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if at, err := p.Last(0); !at.Equal(time.Now()) || upstream.ClassOf(err) != upstream.Timeout {
			t.Errorf("probed at %v: %v", at, err)
		}
		time.Sleep(2 * time.Minute)
		if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Out {
			t.Errorf("the source is %v", got)
		}
	})
}

// Slow sources do not keep the others from being probed.
func TestProberProbesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hole, good := &source{name: "hole", takes: time.Hour}, &source{name: "good"}
		p := probing(t, nil, hole, good)
		synctest.Wait()
		if at, _ := p.Last(1); !at.Equal(time.Now()) {
			t.Errorf("the good one was probed at %v", at)
		}
	})
}

// Close ends what is under way, waits for it, and can be called again.
func TestProberClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Bool
		s := &source{name: "proxy", answer: func(ctx context.Context, req upstream.Request) error {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes its time
			left.Store(true)
			return upstream.ContextError(ctx, req, "proxy")
		}}
		circuit := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1})(s)
		p, err := breaker.NewProber([]upstream.Upstream{circuit}, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		p.Close()
		p.Close()
		if !left.Load() || time.Since(start) != time.Second {
			t.Errorf("closed after %v, probe ended: %v", time.Since(start), left.Load())
		}
		if got := upstream.HealthOf(circuit, upstream.SmallFiles).State; got != upstream.Working {
			t.Errorf("a probe that we ended makes the source %v", got)
		}
		time.Sleep(time.Hour)
		wantAsked(t, s, 1)
	})
}

// The module must be one; nothing is started otherwise.
func TestProberModule(t *testing.T) {
	for _, module := range []string{"nonsense", "a.example/../m", "a.example/m@v1.0.0", " "} {
		if p, err := breaker.NewProber(nil, &breaker.ProbeOptions{Module: module}); err == nil {
			p.Close()
			t.Errorf("%q is taken for a module path", module)
		}
	}
}

// Missing compares the last list of a source with those of the others.
func TestProberMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := listing("ahead", "v1.0.0", "v1.1.0", "v1.2.0")
		behind := listing("behind", "v1.0.0", "v1.0.0")
		empty := listing("empty")
		private := listing("private")
		private.fails(upstream.Error{Class: upstream.NotFound})
		broken := listing("broken", "v0.9.0")
		broken.fails(upstream.Error{})
		p := probing(t, nil, ahead, behind, empty, private, broken)
		check := func(when string, want ...int) {
			t.Helper()
			synctest.Wait()
			var got []int
			for i := range want {
				missing, ok := p.Missing(i)
				if !ok {
					missing = -1
				}
				got = append(got, missing)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: missing, -1 if no list is known (-want +got):\n%s", when, diff)
			}
		}
		check("at first", 0, 2, 3, 3, -1)
		if _, err := p.Last(3); upstream.ClassOf(err) != upstream.NotFound {
			t.Errorf("the private one: %v", err)
		}
		behind.lists("v1.0.0", "v1.1.0", "v2.0.0")
		time.Sleep(40 * time.Second)
		check("after an update", 1, 1, 4, 4, -1)
		behind.fails(upstream.Error{})
		broken.works()
		time.Sleep(40 * time.Second)
		check("a source that fails is known by its last list", 2, 2, 5, 5, 4)
		behind.works()
		behind.lists("v1.0.0")
		broken.lists("v1.0.0")
		time.Sleep(40 * time.Second)
		check("what nobody lists any more is missed by nobody", 0, 2, 3, 3, 2)
	})
}
