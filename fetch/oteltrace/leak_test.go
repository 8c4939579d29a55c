package oteltrace_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Whatever the sources and the callers do, and whenever the Client is closed, each span
// is ended once: that is what newTraced checks.
func TestNoSpanIsLeft(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTraced(t, fetch.Options{
					Upstream: upstream.Mirrors(source("one", anyhow(seed)), source("two", anyhow(seed+100)), source("three", anyhow(seed+200))),
					Retry:    &breaker.RetryOptions{Tries: 3},
					Circuit:  &breaker.CircuitOptions{ConsecutiveFailures: 2, OpenFor: time.Second},
					Probe:    &breaker.ProbeOptions{},
				}, oteltrace.Options{ModuleNames: true})
				var callers sync.WaitGroup
				for i := range 200 {
					callers.Go(func() {
						time.Sleep(time.Duration(i) * 10 * time.Millisecond)
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%7)*300*time.Millisecond)
						defer cancel()
						ask(ctx, c, request(t, upstream.Mod, fmt.Sprintf("v1.0.%d", i%50)))
					})
				}
				time.Sleep(1500 * time.Millisecond)
				c.Close()
				callers.Wait()
			})
		})
	}
}

// anyhow answers, fails, panics, is slow or hangs.
func anyhow(seed uint64) func(context.Context, upstream.Request) (string, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	return func(ctx context.Context, req upstream.Request) (string, error) {
		mu.Lock()
		what := random.IntN(6)
		mu.Unlock()
		switch what {
		case 0:
			return fails(upstream.Unavailable, 503)(ctx, req)
		case 1:
			return fails(upstream.NotFound, 404)(ctx, req)
		case 2:
			panic("oh")
		case 3:
			return hangs(ctx, req)
		case 4:
			select {
			case <-time.After(700 * time.Millisecond):
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		return answers(ctx, req)
	}
}

// Two sets of hooks on one Client, and one on two Clients of which one is the other's
// source, end their own spans and not each other's.
func TestHooksSideBySide(t *testing.T) {
	first, second := newAccount(sdktrace.AlwaysSample()), newAccount(sdktrace.AlwaysSample())
	hooks := oteltrace.New(&oteltrace.Options{TracerProvider: first})
	inner := newClient(t, fetch.Options{Upstream: source("one", answers), Trace: hooks})
	outer := newClient(t, fetch.Options{Upstream: inner, Trace: hooks})
	defer outer.Observe(oteltrace.New(&oteltrace.Options{TracerProvider: second}))()
	ask(t.Context(), outer, request(t, upstream.Mod, "v1.0.0"))
	outer.Close()
	first.settle(t, inner)
	second.settle(t, inner)
	for _, test := range []struct {
		account *account
		want    int
	}{{first, 4}, {second, 2}} {
		if got := len(test.account.ends()); got != test.want {
			t.Errorf("%d spans, want %d", got, test.want)
		}
	}
}

// A Client that has the same hooks twice, by its options and by Observe, has a span
// below each span, and ends both.
func TestSameHooksTwice(t *testing.T) {
	a := newAccount(sdktrace.AlwaysSample())
	hooks := oteltrace.New(&oteltrace.Options{TracerProvider: a})
	c := newClient(t, fetch.Options{Upstream: source("one", answers), Trace: hooks})
	defer c.Observe(hooks)()
	ask(t.Context(), c, request(t, upstream.Mod, "v1.0.0"))
	want := `
fetch mod (internal) outcome=miss size=25 source=one
	fetch mod (internal) outcome=miss size=25 source=one
		attempt mod (client) result=answered size=25 source=one
			attempt mod (client) result=answered size=25 source=one
`
	if diff := cmp.Diff(want, "\n"+(&traced{c, a}).story(t)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}
