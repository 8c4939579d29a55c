package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// Where a circuit opens while a request is tried again, the error is the failure that
// was seen, and not that nobody was asked any more.
func TestRetryTellsWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("connection refused")
		source := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			return nil, &upstream.Error{Request: req, Source: "proxy", Err: refused}
		})
		circuit := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 2, LastResort: -1})
		err := ask(t.Context(), t, breaker.Retry(nil)(circuit(source)), modKey)
		gaveUp, ok := errors.AsType[*breaker.GaveUpError](err)
		if !ok || !errors.Is(err, refused) || errors.Is(err, breaker.ErrOpen) {
			t.Errorf("got %v", err)
		}
		if e := upstream.AsError(err, upstream.Request{}, ""); e.RetryAfter <= 0 {
			t.Errorf("it does not say when to come back: %v", err)
		}
		if ok && gaveUp.Tries < 2 {
			t.Errorf("%d tries", gaveUp.Tries)
		}
	})
}
