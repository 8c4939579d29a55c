package upstream_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// One caller finds out that a source keeps silent; the others need not wait as
// long for it, until it answers somebody.
func TestHedgeSuspects(t *testing.T) {
	tests := []struct {
		name    string
		burst   int
		callers []time.Duration // when each comes
		want    []string
	}{
		{"there is budget", 16, []time.Duration{0, 600 * ms, 2 * time.Second}, []string{
			"0s a asked", "500ms b asked", // the first caller
			"600ms a asked", "600ms b asked", // the second
			"2s a asked", "2.5s b asked", // the third: a has answered
		}},
		{"half of the budget is left for suspicions", 4, []time.Duration{0, 0, 600 * ms}, []string{
			"0s a asked", "0s a asked", "500ms b asked", "500ms b asked",
			"600ms a asked", "600ms b asked",
		}},
		{"the other half is for those who have waited", 4, []time.Duration{0, 0, 0, 600 * ms}, []string{
			"0s a asked", "0s a asked", "0s a asked", "500ms b asked", "500ms b asked", "500ms b asked",
			"600ms a asked", "1.1s b asked",
		}},
		{"there is none", -1, []time.Duration{0, 600 * ms}, []string{"0s a asked", "600ms a asked"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				actors := on(s, actor{name: "a", takes: time.Second}, actor{name: "b", takes: 900 * ms})
				u := upstream.Hedge(upstream.Mirrors(upstream.Meter()(actors[0]), actors[1]),
					&upstream.HedgeOptions{Initial: 500 * ms, Min: 50 * ms, Share: 1e-9, Burst: test.burst})
				var callers sync.WaitGroup
				for _, at := range test.callers {
					callers.Go(func() {
						time.Sleep(at)
						s.play(t.Context(), t, u, "a.b/c/@latest")
					})
				}
				callers.Wait()
				upstream.Drain(u)
				if diff := cmp.Diff(test.want, s.asked()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
