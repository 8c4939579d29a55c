package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// answersOf counts who answers, of n requests a tenth of a second apart.
func answersOf(t *testing.T, u upstream.Upstream, n int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for range n {
		resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		counts[resp.Source]++
		time.Sleep(100 * time.Millisecond)
	}
	return counts
}

// Neither a backup nor a member that is out has a turn that its neighbour would
// inherit.
func TestRoundRobinPassesOverWhoIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member := func(name string, backup bool, state upstream.HealthState) upstream.Member {
			return upstream.Member{Upstream: &actor{stage: newStage(), name: name, health: upstream.Health{State: state}}, Backup: backup}
		}
		u := upstream.NewMirrors(&upstream.MirrorsOptions{Balance: upstream.RoundRobin()},
			member("a", false, upstream.Working), member("b", false, upstream.Out),
			member("c", false, upstream.Working), member("d", true, upstream.Working))
		if diff := cmp.Diff(map[string]int{"a": 100, "c": 100}, answersOf(t, u, 200)); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

// A member that has failed, or that is a little slower, is tried again after a
// while: what is known of it grows old.
func TestLowestLatencyForgives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		source := func(name string, takes, fails time.Duration) upstream.Member {
			answer := func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
				time.Sleep(takes)
				if time.Since(begun) < fails {
					return nil, &upstream.Error{Request: req, Source: name}
				}
				return respond(name, "body"), nil
			}
			return upstream.Member{Upstream: upstream.Meter()(upstream.WithName(name, upstream.Func(answer)))}
		}
		u := upstream.NewMirrors(&upstream.MirrorsOptions{Balance: upstream.LowestLatency()},
			source("failed", 20*time.Millisecond, time.Second),
			source("slower", 21*time.Millisecond, 0),
			source("good", 20*time.Millisecond, 0))
		answersOf(t, u, 20)
		time.Sleep(30 * time.Second)
		counts := answersOf(t, u, 600)
		for _, name := range []string{"failed", "slower", "good"} {
			if counts[name] < 60 {
				t.Errorf("%s answered %d of 600 requests: %v", name, counts[name], counts)
			}
		}
	})
}
