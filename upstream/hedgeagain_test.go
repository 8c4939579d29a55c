package upstream_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// moody is a source whose calls fare differently: each takes, or fails, like the
// entry for it; the last entry is for all further ones. Those without a stage
// are not heard.
func moody(asked *atomic.Int64, moods ...actor) upstream.Upstream {
	return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		n := int(asked.Add(1))
		mood := moods[min(n, len(moods))-1]
		if mood.stage == nil {
			mood.stage = newStage()
		}
		return mood.Fetch(ctx, req)
	})
}

// While one connection hangs, a failure that has passed is not the end: those who
// were asked before are asked again, 12 times at most, and those who still run 4
// times at most.
func TestHedgeAsksAgain(t *testing.T) {
	hangs := actor{name: "hangs", takes: never}
	has := actor{name: "has"}
	tests := []struct {
		name        string
		first       []actor
		second      []actor // nil: there is none
		want        string  // who answers; empty: nobody
		least, most int64   // how often the two are asked in a day
	}{
		{"failure has passed", []actor{{err: down}, has}, []actor{hangs}, "has", 3, 3},
		{"timeout has passed", []actor{{err: &upstream.Error{Class: upstream.Timeout}}, has}, []actor{hangs}, "has", 3, 3},
		{"connection hangs", []actor{hangs, has}, nil, "has", 2, 2},
		{"denied is denied", []actor{{err: &upstream.Error{Class: upstream.Denied}}, has}, []actor{hangs}, "", 6, 6},
		{"bad request is bad", []actor{{err: &upstream.Error{Status: 400}}, has}, []actor{hangs}, "", 6, 6},
		{"too many requests passes", []actor{{err: &upstream.Error{Status: 429}}, has}, []actor{hangs}, "has", 3, 3},
		{"failure does not pass", []actor{{err: down}}, []actor{hangs}, "", 14, 18},
		{"all hang", []actor{hangs}, []actor{hangs}, "", 6, 6},
		{"hangs alone", []actor{hangs}, nil, "", 5, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first, second atomic.Int64
				members := []upstream.Upstream{moody(&first, test.first...)}
				if test.second != nil {
					members = append(members, moody(&second, test.second...))
				}
				u := upstream.Hedge(upstream.Mirrors(members...), steady)
				ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
				defer cancel()
				resp, err := u.Fetch(ctx, request(t, "a.b/c/@latest"))
				got := ""
				if err == nil {
					got = resp.Source
					resp.Body.Close()
				} else {
					wantError(t, err, upstream.Timeout)
				}
				upstream.Drain(u)
				if n := first.Load() + second.Load(); got != test.want || n < test.least || n > test.most {
					t.Errorf("%q answered after asking %d times, want %q after %d to %d", got, n, test.want, test.least, test.most)
				}
				if e := test.first[0].err; e != nil && !e.MayPass() && first.Load() != 1 {
					t.Errorf("asked %d times, after %v", first.Load(), e)
				}
			})
		})
	}
}

// A source that is sure the second time decides whether the list goes on, and is
// not taken for two.
func TestHedgeAgainInAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		private := moody(&asked, actor{name: "a", takes: 10 * time.Second, err: missing}, actor{name: "a", err: missing})
		u := upstream.Hedge(joined(",", private, &source{name: "b"}), steady)
		resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if err != nil || resp.Source != "b" || asked.Load() < 2 {
			t.Errorf("answered by %+v, error %v, after asking %d times", resp, err, asked.Load())
		}
		upstream.Drain(u)
	})
}

// A group is not asked again, for it does that itself, nor is who is sending.
func TestHedgeAsksNobodyAgainInVain(t *testing.T) {
	silent := actor{name: "a", takes: time.Minute}
	sending := actor{name: "a", takes: time.Minute, first: 100 * ms, slow: time.Second}
	absent := &source{name: "c", err: missing}
	tests := []struct {
		name   string
		actor  actor
		around func(a upstream.Upstream) upstream.Upstream
		want   []string // when it is asked
	}{
		{"group", silent, func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(upstream.Routes(a)) }, askedAt("0s", "5.05s", "15.15s", "35.25s")},
		{"group beside another", silent, func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(upstream.Routes(a), absent) }, askedAt("0s", "5.05s", "15.15s", "35.25s")},
		{"sending", sending, func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(a) }, askedAt("0s")},
		{"sending beside another", sending, func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(a, absent) }, askedAt("0s")},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			u := upstream.Hedge(test.around(on(s, test.actor)[0]), steady)
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			if diff := cmp.Diff(test.want, s.asked()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		})
	}
}

// What is asked again has a budget of its own, and says what it is.
func TestHedgeAgainBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := &log{}
		fails := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			if upstream.LastResort(ctx) {
				again.add("")
			}
			return nil, &upstream.Error{Request: req}
		})
		hangs := on(newStage(), actor{name: "hangs", takes: 1500 * ms})[0]
		u := upstream.Hedge(upstream.Mirrors(fails, hangs), steady)
		for range 2 {
			again.lines = nil
			var callers sync.WaitGroup
			for range 200 {
				callers.Go(func() {
					if resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest")); err == nil {
						resp.Body.Close()
					}
				})
			}
			callers.Wait()
			if n := len(again.lines); n < 20 || n > 40 {
				t.Errorf("asked again %d times in a moment, by 200 callers", n)
			}
		}
		upstream.Drain(u)
	})
}
