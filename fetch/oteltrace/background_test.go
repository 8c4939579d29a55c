package oteltrace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func lists(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }

// An old list is renewed below the span of who was given it, which ends before: the event of
// the commit is lost.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := source("one", func(ctx context.Context, req upstream.Request) (string, error) {
			time.Sleep(time.Second) // until after the span of the request has ended
			return lists(ctx, req)
		})
		c := newTraced(t, fetch.Options{Upstream: slow, Hedge: &upstream.HedgeOptions{Burst: -1}}, oteltrace.Options{})
		req := request(t, upstream.List, "")
		ask(t.Context(), c, req)
		time.Sleep(2 * time.Minute)
		ask(t.Context(), c, req)
		time.Sleep(2 * time.Second)
		want := `
fetch list (internal) outcome=miss size=7 source=one
	* commit size=7 stored=true
	attempt list (client) result=answered size=7 source=one
fetch list (internal) outcome=stale size=7 source=memory
	attempt list (client) result=answered size=7 source=one
`
		if diff := cmp.Diff(want, "\n"+c.story(t)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
	})
}

// A probe is a trace of its own.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTraced(t, fetch.Options{
			Upstream: source("one", lists), Probe: &breaker.ProbeOptions{Module: "example.com/hello"},
		}, oteltrace.Options{})
		for len(c.account.ends()) == 0 {
			time.Sleep(time.Second)
		}
		want := `
attempt list (client) result=answered size=7 source=one
`
		if diff := cmp.Diff(want, "\n"+c.story(t)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
	})
}
