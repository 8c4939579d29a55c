package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
)

// countFailures returns middleware that counts the requests of one source that failed, other
// than by "not found".
func countFailures(failures *atomic.Int64) upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream {
		return &failureCounter{next, failures}
	}
}

type failureCounter struct {
	next     upstream.Upstream
	failures *atomic.Int64
}

// Fetch may be called by many goroutines at once.
func (c *failureCounter) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	resp, err := c.next.Fetch(ctx, req)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.failures.Add(1)
	}
	return resp, err
}

// Unwrap lets others find what is behind, such as the source's name.
func (c *failureCounter) Unwrap() upstream.Upstream { return c.next }

// Middleware of your own, around each source of a group of mirrors.
func ExampleMiddleware() {
	down := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Request: req, Source: "near", Status: 503}
	})
	far := upstream.FS("far", fstest.MapFS{"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)}})

	var failures atomic.Int64
	mirrors := upstream.Wrap(upstream.Mirrors(down, far), countFailures(&failures))
	latest, err := upstream.ReadLatest(context.Background(), mirrors, "golang.org/x/mod")
	fmt.Println(latest.Version, err)
	fmt.Println(failures.Load(), "failure")
	// Output:
	// v0.32.0 <nil>
	// 1 failure
}
