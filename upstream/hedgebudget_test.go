package upstream_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A crowd asks a group of two: the first member answers after 630 ms, the second
// as late as told.
type crowd struct {
	group  upstream.Upstream
	second *log
}

func newCrowd(second time.Duration, opts *upstream.HedgeOptions) *crowd {
	c := &crowd{second: &log{}}
	after := func(name string, d time.Duration, l *log) upstream.Upstream {
		return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			l.add(name)
			select {
			case <-time.After(d):
				return respond(name, "body"), nil
			case <-ctx.Done():
				return nil, upstream.ContextError(ctx, req, name)
			}
		})
	}
	c.group = upstream.Hedge(upstream.Mirrors(after("a", 630*ms, nil), after("b", second, c.second)), opts)
	return c
}

// ask has n callers ask at once, and returns how many hedges there have been.
func (c *crowd) ask(t *testing.T, n int) int {
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			resp, err := c.group.Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if err != nil {
				t.Error(err)
				return
			}
			readBody(resp)
		})
	}
	callers.Wait()
	synctest.Wait()
	return len(c.second.lines)
}

func TestHedgeBudget(t *testing.T) {
	tests := []struct {
		name        string
		second      time.Duration
		opts        upstream.HedgeOptions
		least, most int // hedges for 10 x 20 requests, 6.3 s in all
	}{
		{"burst", never, upstream.HedgeOptions{Share: 1e-9, Burst: 8}, 12, 8 + 6},
		{"share", never, upstream.HedgeOptions{Share: 0.25, Burst: 8}, 50, 8 + 50 + 6},
		{"no more than there are requests", never, upstream.HedgeOptions{Share: 9, Burst: 999}, 200, 200},
		{"off", never, upstream.HedgeOptions{Burst: -1}, 0, 0},
		{"winners are free", ms, upstream.HedgeOptions{Share: 1e-9, Burst: 8}, 200, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.opts.Initial = 500 * ms
				c := newCrowd(test.second, &test.opts)
				hedges := 0
				for range 10 {
					hedges = c.ask(t, 20)
				}
				upstream.Drain(c.group)
				if hedges < test.least || hedges > test.most {
					t.Errorf("%d hedges, want %d to %d", hedges, test.least, test.most)
				}
			})
		})
	}
}

// A caller who is waiting when there is budget again has the hedge then.
func TestHedgeBudgetIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		u := upstream.Hedge(upstream.Mirrors(on(s, actor{name: "a", takes: never}, actor{name: "b", takes: 700 * ms})...),
			&upstream.HedgeOptions{Initial: 500 * ms, Share: 1e-9, Burst: 1})
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() { s.play(t.Context(), t, u, "a.b/c/@latest") })
		}
		callers.Wait()
		upstream.Drain(u)
		// The first hedge wins at 1.2 s and gives its token back.
		if took := time.Since(s.begun); took > 2500*ms || took < 1900*ms {
			t.Errorf("both were answered after %v: %q", took, s.script())
		}
	})
}

// However short the waits, a race that may not hedge does not spin.
func TestHedgeWithoutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, opts := range []upstream.HedgeOptions{{Initial: 1, Min: 1, Max: 1, Burst: -1}, {Initial: -1, Min: -1, Max: -1, Trial: -1}} {
			s := newStage()
			u := upstream.Hedge(upstream.Mirrors(on(s, actor{name: "a", takes: time.Second}, actor{name: "b", takes: time.Second})...), &opts)
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			if took := time.Since(s.begun); took != time.Second {
				t.Errorf("took %v", took)
			}
		}
	})
}

// What is no hedge is not a matter of the budget.
func TestHedgeWithoutBudget(t *testing.T) {
	one, none := &upstream.HedgeOptions{Initial: 500 * ms, Share: 1e-9, Burst: 1}, &upstream.HedgeOptions{Initial: 500 * ms, Burst: -1}
	out := upstream.Health{State: upstream.Out}
	tests := []struct {
		name   string
		opts   *upstream.HedgeOptions
		actors []actor
		took   time.Duration
	}{
		{"in place of a failure", none, []actor{{name: "a", takes: 10 * ms, err: down}, {name: "b"}}, 10 * ms},
		{"in place of a failed hedge", one, []actor{{name: "a", takes: never}, {name: "b", err: missing}, {name: "c"}}, 500 * ms},
		{"who is out refuses for nothing", none, []actor{{name: "a", takes: 3 * time.Second}, {name: "b", health: out}}, 500 * ms},
		{"hedge", none, []actor{{name: "a", takes: 3 * time.Second}, {name: "b"}}, 3 * time.Second},
		{"slow body", one, []actor{{name: "a", takes: 3 * time.Second, first: 100 * ms, slow: 200 * ms}, {name: "b"}}, 200 * ms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				u := upstream.Hedge(upstream.NewMirrors(&upstream.MirrorsOptions{Balance: orderIs{0, 1}}, membersOf(on(s, test.actors...))...), test.opts)
				s.play(t.Context(), t, u, "a.b/c/@latest")
				if took := time.Since(s.begun); took != test.took {
					t.Errorf("took %v, want %v: %q", took, test.took, s.script())
				}
				upstream.Drain(u)
			})
		})
	}
}

func membersOf(us []upstream.Upstream) (members []upstream.Member) {
	for _, u := range us {
		members = append(members, upstream.Member{Upstream: u})
	}
	return members
}
