package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Hedging asks nobody who might not have been asked without it.
func TestHedgeInLists(t *testing.T) {
	second := time.Second
	tests := []struct {
		name       string
		separators string
		actors     []actor
		end        upstream.Upstream // nil: the list has no other end
		want       []string
	}{
		{"comma waits", ",", []actor{{name: "a", takes: 1900 * ms}, {name: "b"}}, nil, []string{
			"0s a asked", "1.9s a answers", "1.9s a closed", "1.9s caller: a",
		}},
		{"comma goes on after absence", ",", []actor{{name: "a", takes: 100 * ms, err: missing}, {name: "b"}}, nil, []string{
			"0s a asked", "100ms a not found", "100ms b answers", "100ms b asked", "100ms b closed", "100ms caller: b",
		}},
		{"comma ends after a failure", ",", []actor{{name: "a", takes: 100 * ms, err: down}, {name: "b"}}, nil, []string{
			"0s a asked", "100ms a unavailable", "100ms caller: unavailable",
		}},
		{"comma behind a race, the last of which fails", "|,", []actor{{name: "a", err: missing, takes: second}, {name: "b", takes: second, err: down}, {name: "c"}}, nil, []string{
			"0s a asked", "500ms b asked", "1s a not found", "1.5s b unavailable", "1.5s caller: unavailable",
		}},
		{"comma behind a race, the last of which is sure", "|,", []actor{{name: "a", err: down, takes: second}, {name: "b", takes: 100 * ms, err: missing}, {name: "c"}}, nil, []string{
			"0s a asked", "500ms b asked", "600ms b not found", "1s a unavailable", "1s c answers", "1s c asked", "1s c closed", "1s caller: c",
		}},
		{"direct waits for all failures", "||", []actor{{name: "a", takes: second, err: down}, {name: "b", takes: 1400 * ms}}, upstream.Direct(), []string{
			"0s a asked", "500ms b asked", "1s a unavailable", "1.05s a asked", "1.9s a left", "1.9s b answers", "1.9s b closed", "1.9s caller: b",
		}},
		{"off is asked in the end", "||", []actor{{name: "a", takes: second, err: missing}, {name: "b", takes: second, err: missing}}, upstream.Off(), []string{
			"0s a asked", "500ms b asked", "1s a not found", "1.5s b not found", "1.5s caller: not found",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				steps := on(s, test.actors...)
				if test.end != nil {
					steps = append(steps, test.end)
				}
				u := upstream.Hedge(joined(test.separators, steps...), steady)
				s.play(t.Context(), t, u, "a.b/c/@latest")
				upstream.Drain(u)
				if diff := cmp.Diff(test.want, s.script()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// watched is middleware around a source that stands for the end of a list.
type watched struct {
	upstream.Upstream
	stage *stage
}

func (w watched) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	w.stage.say("%s asked", upstream.Name(w))
	return w.Upstream.Fetch(ctx, req)
}

func (w watched) Unwrap() upstream.Upstream { return w.Upstream }

// The end of a list is known behind middleware, too.
func TestHedgeKnowsTheEndBehindMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		end := upstream.Meter()(watched{upstream.Direct(), s})
		list := joined("||", append(on(s, actor{name: "a", takes: 1900 * ms, err: missing}), end)...)
		e := s.play(t.Context(), t, upstream.Hedge(list, steady), "a.b/c/@latest")
		if figures, _ := upstream.FiguresOf(end, upstream.SmallFiles); figures.NotFound != 1 || e == nil || e.Source != "a" {
			t.Errorf("direct: %+v, error %v", figures, e)
		}
		if diff := cmp.Diff([]string{"0s a asked", "1.9s a not found", "1.9s caller: not found", "1.9s direct asked"}, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A group within a group hedges by itself, and is hedged as a whole.
func TestHedgeNested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		near := upstream.Mirrors(on(s, actor{name: "a", takes: never}, actor{name: "b", takes: never})...)
		far := on(s, actor{name: "c", takes: 700 * ms})[0]
		u := upstream.Hedge(upstream.Routes(joined("|", near, far)), steady)
		s.play(t.Context(), t, u, "a.b/c/@latest")
		upstream.Drain(u)
		want := []string{
			"0s a asked", "500ms b asked", "500ms c asked",
			"1.2s a outpaced", "1.2s b outpaced", "1.2s c answers", "1.2s c closed", "1.2s caller: c",
		}
		if diff := cmp.Diff(want, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
