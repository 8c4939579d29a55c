package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Nobody waits for a source of which nobody knows whether it is back.
func TestHedgeTrial(t *testing.T) {
	const second = time.Second
	trial, out := upstream.Health{State: upstream.OnTrial}, upstream.Health{State: upstream.Out}
	tests := []struct {
		name   string
		actors []actor
		want   []string
	}{
		{"is asked together with the next", []actor{{name: "a", takes: never, health: trial}, {name: "b", takes: 100 * ms}, {name: "c"}}, []string{
			"0s a asked", "0s b asked", "100ms b answers", "100ms b closed", "100ms caller: b", "5s a outpaced",
		}},
		{"shows itself in time", []actor{{name: "a", takes: 3 * second, health: trial}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "100ms b answers", "100ms b closed", "100ms caller: b", "3s a answers", "3s a closed",
		}},
		{"fails in time", []actor{{name: "a", takes: 3 * second, err: down, health: trial}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "100ms b answers", "100ms b closed", "100ms caller: b", "3s a unavailable",
		}},
		{"need not send more than one byte", []actor{{name: "a", takes: 3 * second, first: second, health: trial}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "100ms b answers", "100ms b closed", "100ms caller: b", "1s a outpaced",
		}},
		{"has sent a byte already", []actor{{name: "a", takes: 3 * second, first: 50 * ms, health: trial}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "100ms a outpaced", "100ms b answers", "100ms b closed", "100ms caller: b",
		}},
		{"wins", []actor{{name: "a", takes: 50 * ms, health: trial}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "50ms a answers", "50ms a closed", "50ms b left", "50ms caller: a",
		}},
		{"the next has its time", []actor{{name: "a", takes: never, health: trial}, {name: "b", takes: never}, {name: "c", takes: 100 * ms}}, []string{
			"0s a asked", "0s b asked", "500ms c asked",
			"600ms b outpaced", "600ms c answers", "600ms c closed", "600ms caller: c", "5s a outpaced",
		}},
		{"all are on trial", []actor{{name: "a", takes: never, health: trial}, {name: "b", takes: 100 * ms, health: trial}, {name: "c", takes: 50 * ms, health: trial}}, []string{
			"0s a asked", "0s b asked", "0s c asked",
			"50ms c answers", "50ms c closed", "50ms caller: c", "100ms b answers", "100ms b closed", "5s a outpaced",
		}},
		{"is out and last", []actor{{name: "a", takes: 50 * ms, health: out}, {name: "b", err: missing}}, []string{
			"0s a asked", "0s b asked", "0s b not found", "50ms a answers", "50ms a closed", "50ms caller: a",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				u := upstream.Hedge(upstream.Mirrors(on(s, test.actors...)...), steady)
				s.play(t.Context(), t, u, "a.b/c/@latest")
				time.Sleep(10 * second) // or Drain would end the trials
				upstream.Drain(u)
				if diff := cmp.Diff(test.want, s.script()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Trials cost nothing of the budget.
func TestHedgeTrialIsNoHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		trial := upstream.Health{State: upstream.OnTrial}
		u := upstream.Hedge(upstream.Mirrors(on(s, actor{name: "a", takes: never, health: trial}, actor{name: "b", takes: 100 * ms})...),
			&upstream.HedgeOptions{Burst: -1})
		s.play(t.Context(), t, u, "a.b/c/@latest")
		if took := time.Since(s.begun); took != 100*ms {
			t.Errorf("took %v", took)
		}
		upstream.Drain(u)
	})
}

// Drain does not wait for what nobody waits for: trials, and those who are suspect,
// end with it.
func TestDrainEndsWhatGoesOn(t *testing.T) {
	tests := []struct {
		name   string
		health upstream.HealthState
		before int // so many calls find out that it keeps silent
	}{
		{"trial", upstream.OnTrial, 0},
		{"suspect", upstream.Working, 1},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			actors := on(s, actor{name: "a", takes: never, health: upstream.Health{State: test.health}}, actor{name: "b", takes: 100 * ms})
			u := upstream.Hedge(upstream.Routes(upstream.Mirrors(upstream.Meter()(actors[0]), actors[1])), steady)
			for range test.before {
				s.play(t.Context(), t, u, "a.b/c/@latest")
				synctest.Wait()
			}
			s.begun, s.said = time.Now(), nil
			s.play(t.Context(), t, u, "a.b/c/@latest")
			time.Sleep(50 * ms)
			s.say("drain")
			upstream.Drain(u)
			want := []string{"0s a asked", "0s b asked", "100ms b answers", "100ms b closed", "100ms caller: b", "150ms a left", "150ms drain"}
			if diff := cmp.Diff(want, s.script()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		})
	}
}
