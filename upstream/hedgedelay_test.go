package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A source that is known is waited for as long as it usually takes.
func TestHedgeDelay(t *testing.T) {
	const second = time.Second
	repeat := func(n int, d time.Duration) (all []time.Duration) {
		for range n {
			all = append(all, d)
		}
		return all
	}
	tests := []struct {
		name  string
		known []time.Duration // what it took before
		want  time.Duration
	}{
		{"nothing known", nil, 500 * ms},
		{"too little known", repeat(2, 200*ms), 500 * ms},
		{"always the same", repeat(12, 200*ms), 200 * ms},
		{"1 of 21 is slower", append(repeat(20, 200*ms), 350*ms), 200 * ms},
		{"2 of 22 are slower", append(repeat(20, 200*ms), 350*ms, 350*ms), 350 * ms},
		{"very fast", repeat(12, ms), 50 * ms},
		{"very slow", repeat(12, 30*second), 2 * second},
		{"weather has changed", append(repeat(64, 900*ms), repeat(64, 200*ms)...), 200 * ms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := &actor{name: "a", stage: newStage()}
				a := upstream.Meter()(first)
				for _, first.takes = range test.known {
					first.stage.play(t.Context(), t, a, "a.b/c/@latest")
				}
				first.takes = never
				s := newStage()
				first.stage = s
				u := upstream.Hedge(upstream.Mirrors(append([]upstream.Upstream{a}, on(s, actor{name: "b"})...)...), steady)
				s.play(t.Context(), t, u, "a.b/c/@latest")
				upstream.Drain(u)
				if took := time.Since(s.begun); took != test.want {
					t.Errorf("b was asked after %v, want %v", took, test.want)
				}
			})
		})
	}
}

// A backup is not there for the impatient.
func TestHedgeBackup(t *testing.T) {
	tests := []struct {
		name    string
		regular int // so many are no backups
		actors  []actor
		want    []string
	}{
		{"one is silent", 1, []actor{{name: "a", takes: 1900 * ms}, {name: "b"}}, []string{
			"0s a asked", "1.9s a answers", "1.9s a closed", "1.9s caller: a",
		}},
		{"one is silent for long", 1, []actor{{name: "a", takes: never}, {name: "b"}}, []string{
			"0s a asked", "2s a outpaced", "2s b answers", "2s b asked", "2s b closed", "2s caller: b",
		}},
		{"two are silent", 2, []actor{{name: "a", takes: never}, {name: "b", takes: never}, {name: "c"}}, []string{
			"0s a asked", "500ms b asked", "2.5s a outpaced", "2.5s b outpaced",
			"2.5s c answers", "2.5s c asked", "2.5s c closed", "2.5s caller: c",
		}},
		{"two of three are backups", 1, []actor{{name: "a", takes: never}, {name: "b", takes: never}, {name: "backup c"}}, []string{
			"0s a asked", "2s b asked", "2.5s a outpaced", "2.5s b outpaced",
			"2.5s backup c answers", "2.5s backup c asked", "2.5s backup c closed", "2.5s caller: backup c",
		}},
		{"one fails", 1, []actor{{name: "a", takes: 10 * ms, err: down}, {name: "b"}}, []string{
			"0s a asked", "10ms a unavailable", "10ms b answers", "10ms b asked", "10ms b closed", "10ms caller: b",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				var members []upstream.Member
				for _, u := range on(s, test.actors...) {
					members = append(members, upstream.Member{Upstream: u, Backup: len(members) >= test.regular})
				}
				u := upstream.Hedge(upstream.NewMirrors(nil, members...), steady)
				s.play(t.Context(), t, u, "a.b/c/@latest")
				upstream.Drain(u)
				if diff := cmp.Diff(test.want, s.script()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Of a source that is new in a lane, another lane may say something, or its
// equals.
func TestHedgeDelayFromElsewhere(t *testing.T) {
	tests := []struct {
		name  string
		who   int // is known
		key   string
		known time.Duration
		want  time.Duration
	}{
		{"another lane", 0, zipKey, 100 * ms, 200 * ms},
		{"another lane is slow", 0, zipKey, 400 * ms, 500 * ms},
		{"another lane is fast", 0, zipKey, ms, 50 * ms},
		{"another source", 1, "a.b/c/@latest", 100 * ms, 200 * ms},
		{"another source is slow", 1, "a.b/c/@latest", 400 * ms, 500 * ms},
		{"another source is fast", 1, "a.b/c/@latest", ms, 50 * ms},
		{"another source in another lane", 1, zipKey, 100 * ms, 500 * ms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				actors := []*actor{{name: "a", stage: newStage()}, {name: "b", stage: newStage()}}
				sources := []upstream.Upstream{upstream.Meter()(actors[0]), upstream.Meter()(actors[1])}
				actors[test.who].takes = test.known
				for range 12 {
					actors[test.who].stage.play(t.Context(), t, sources[test.who], test.key)
				}
				actors[0].takes, actors[1].takes = never, 0
				u := upstream.Hedge(upstream.Mirrors(sources...), steady)
				begun := time.Now()
				actors[0].stage.play(t.Context(), t, u, "a.b/c/@latest")
				upstream.Drain(u)
				if took := time.Since(begun); took != test.want {
					t.Errorf("b was asked after %v, want %v", took, test.want)
				}
			})
		})
	}
}
