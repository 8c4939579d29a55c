package fetch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A Client whose source is a Client has figures of its own: what the inner one had at
// hand was not at hand in the outer one.
func TestChainedClientsCountForThemselves(t *testing.T) {
	gone := func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }
	once := func() func(context.Context, upstream.Request) (string, error) {
		asked := false
		return func(_ context.Context, req upstream.Request) (string, error) {
			if asked {
				return "", outage(req)
			}
			asked = true
			return "v1.0.0\n", nil
		}
	}
	tests := []struct {
		name         string
		answer       func(context.Context, upstream.Request) (string, error)
		outer        fetch.Options
		inner, whole [fetch.Outcomes]int64 // of the two
	}{
		{"absence, remembered behind", gone, fetch.Options{NotFoundTTL: -1},
			[fetch.Outcomes]int64{fetch.NotFound: 1, fetch.Negative: 1}, [fetch.Outcomes]int64{fetch.NotFound: 2}},
		{"absence, remembered in front", gone, fetch.Options{},
			[fetch.Outcomes]int64{fetch.NotFound: 1}, [fetch.Outcomes]int64{fetch.NotFound: 1, fetch.Negative: 1}},
		{"an old answer behind", once(), fetch.Options{Store: brokenStore{}},
			[fetch.Outcomes]int64{fetch.Miss: 1, fetch.Stale: 1}, [fetch.Outcomes]int64{fetch.Miss: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newClient(t, fetch.Options{TTL: -1, RevalidateWithin: -1, Upstream: &scripted{answer: tt.answer}})
				tt.outer.Upstream = inner
				outer := newClient(t, tt.outer)
				for range 2 {
					resp, err := outer.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
					if err == nil {
						resp.Body.Close()
					}
					time.Sleep(time.Second)
				}
				if diff := cmp.Diff(tt.inner, inner.Stats().Requests); diff != "" {
					t.Errorf("behind (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.whole, outer.Stats().Requests); diff != "" {
					t.Errorf("in front (-want +got):\n%s", diff)
				}
				if n := outer.Stats().Degraded[fetch.ServedStale]; n != tt.inner[fetch.Stale] {
					t.Errorf("%d old answers told, want %d", n, tt.inner[fetch.Stale])
				}
			})
		})
	}
}

// An error that is remembered has no story, also where a Client behind told one.
func TestChainedClientsRememberNoStory(t *testing.T) {
	inner := newClient(t, fetch.Options{Upstream: &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }}})
	outer := newClient(t, fetch.Options{Upstream: inner})
	var told []int
	for range 2 {
		_, err := outer.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
		told = append(told, len(upstream.AsError(err, upstream.Request{}, "").Story))
	}
	if diff := cmp.Diff([]int{2, 0}, told); diff != "" {
		t.Errorf("attempts in the stories (-want +got):\n%s", diff)
	}
}
