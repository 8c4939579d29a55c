package oteltrace_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
)

// A source that ends the goroutine that asks it ends its span, too.
func TestSourceThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTraced(t, fetch.Options{Upstream: source("one", func(context.Context, upstream.Request) (string, error) {
			runtime.Goexit()
			return "", nil
		})}, oteltrace.Options{})
		ask(t.Context(), c, request(t, upstream.Mod, "v1.0.0"))
	})
}
