package breaker_test

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// Circuit and limit around each of two mirrors, retry around both. The near one is
// down: its circuit opens, and the callers do not notice.
func Example() {
	near := upstream.WithName("near", upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Request: req, Source: "near", Status: 503}
	}))
	far := upstream.FS("far", fstest.MapFS{"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)}})

	guard := func(source upstream.Upstream) upstream.Upstream {
		return upstream.Chain(source,
			breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 3}),
			upstream.Meter(),
			breaker.Limit(nil),
		)
	}
	mirrors := upstream.Wrap(upstream.Mirrors(near, far), guard)
	sources := breaker.Retry(&breaker.RetryOptions{MaxElapsed: 10 * time.Second})(mirrors)

	for range 5 {
		latest, err := upstream.ReadLatest(context.Background(), sources, "golang.org/x/mod")
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(latest.Version)
	}
	for _, s := range breaker.Standings(upstream.Sources(mirrors), nil) {
		fmt.Println(s.Source, "is", s.Health[upstream.SmallFiles].State)
	}
	// Output:
	// v0.32.0
	// v0.32.0
	// v0.32.0
	// v0.32.0
	// v0.32.0
	// near is out
	// far is working
}
