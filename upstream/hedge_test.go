package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// down and missing are what sources answer with that do not have it.
var (
	down    = &upstream.Error{Class: upstream.Unavailable}
	missing = &upstream.Error{Class: upstream.NotFound}
)

// steady has the Initial wait for sources that nothing is known of.
var steady = &upstream.HedgeOptions{Initial: 500 * ms, Min: 50 * ms, Max: 2 * time.Second, Burst: 16, Trial: 5 * time.Second}

func TestHedge(t *testing.T) {
	tests := []struct {
		name   string
		actors []actor
		want   []string
	}{
		{"quick enough", []actor{{name: "a", takes: 499 * ms}, {name: "b"}}, []string{
			"0s a asked", "499ms a answers", "499ms a closed", "499ms caller: a",
		}},
		{"first is silent", []actor{{name: "a", takes: never}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "500ms b asked",
			"600ms a outpaced", "600ms b answers", "600ms b closed", "600ms caller: b",
		}},
		{"first was about to answer", []actor{{name: "a", takes: 550 * ms}, {name: "b", takes: 100 * ms}}, []string{
			"0s a asked", "500ms b asked",
			"550ms a answers", "550ms a closed", "550ms b left", "550ms caller: a",
		}},
		{"all but one are silent", []actor{{name: "a", takes: never}, {name: "b", takes: never}, {name: "c"}}, []string{
			"0s a asked", "500ms b asked", "1s a outpaced", "1s b outpaced", "1s c answers", "1s c asked", "1s c closed", "1s caller: c",
		}},
		{"failure moves on at once", []actor{{name: "a", takes: 10 * ms, err: down}, {name: "b", takes: 10 * ms}}, []string{
			"0s a asked", "10ms a unavailable", "10ms b asked", "20ms b answers", "20ms b closed", "20ms caller: b",
		}},
		{"failed hedge moves on at once", []actor{{name: "a", takes: never}, {name: "b", takes: 10 * ms, err: down}, {name: "c", takes: 10 * ms}}, []string{
			"0s a asked", "500ms b asked", "510ms b unavailable", "510ms c asked",
			"520ms a outpaced", "520ms c answers", "520ms c closed", "520ms caller: c",
		}},
		{"begun is waited for", []actor{{name: "a", takes: 5 * time.Second, first: 400 * ms}, {name: "b"}}, []string{
			"0s a asked", "5s a answers", "5s a closed", "5s caller: a",
		}},
		{"begins when the hedge is out", []actor{{name: "a", takes: 5 * time.Second, first: 600 * ms}, {name: "b", takes: never}, {name: "c"}}, []string{
			"0s a asked", "500ms b asked", "5s a answers", "5s a closed", "5s b outpaced", "5s caller: a",
		}},
		{"body is too slow", []actor{{name: "a", takes: never, first: 100 * ms, slow: 3 * time.Second}, {name: "b", takes: 10 * ms}}, []string{
			"0s a asked", "3s b asked", "3.01s a outpaced", "3.01s b answers", "3.01s b closed", "3.01s caller: b",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, group := range []string{"mirrors", "list"} {
				synctest.Test(t, func(t *testing.T) {
					s := newStage()
					u := upstream.Mirrors(on(s, test.actors...)...)
					if group == "list" {
						u = joined("||", on(s, test.actors...)...)
					}
					u = upstream.Hedge(u, steady)
					s.play(t.Context(), t, u, "a.b/c/@latest")
					upstream.Drain(u)
					if diff := cmp.Diff(test.want, s.script()); diff != "" {
						t.Errorf("%s (-want +got):\n%s", group, diff)
					}
				})
			}
		})
	}
}

// Without Hedge nobody is asked beside another.
func TestNoHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		s.play(t.Context(), t, upstream.Mirrors(on(s, actor{name: "a", takes: time.Hour}, actor{name: "b"})...), "a.b/c/@latest")
		want := []string{"0s a asked", "1h0m0s a answers", "1h0m0s a closed", "1h0m0s caller: a"}
		if diff := cmp.Diff(want, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A source may answer in the same moment as another: its body is closed.
func TestHedgeClosesTheBodyOfALoser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		u := upstream.Hedge(upstream.Mirrors(on(s, actor{name: "a", takes: 600 * ms}, actor{name: "b", takes: 100 * ms})...), steady)
		s.play(t.Context(), t, u, "a.b/c/@latest")
		upstream.Drain(u)
		closed := 0
		for _, line := range s.script() {
			if line == "600ms a closed" || line == "600ms b closed" || line == "600ms a outpaced" || line == "600ms b left" {
				closed++
			}
		}
		if closed != 2 {
			t.Errorf("not everybody has come to an end: %q", s.script())
		}
	})
}

// That the first byte has come is enough, whatever else is heard of the source.
func TestHedgeDoesNotHelpWhoIsSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := &log{}
		sending := upstream.Func(func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
			for range 8 {
				time.Sleep(400 * ms)
				upstream.ProgressOf(ctx).FirstByte()
			}
			return respond("a", "body"), nil
		})
		u := upstream.Hedge(upstream.Mirrors(sending, &source{name: "b", log: asked}), steady)
		resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if err != nil || resp.Source != "a" || asked.lines != nil {
			t.Fatalf("answered by %+v, error %v, after asking %v", resp, err, asked.lines)
		}
		resp.Body.Close()
	})
}
