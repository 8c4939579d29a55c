package breaker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// A course is how a call goes on at its source, and when its caller leaves.
type course struct {
	queued time.Duration // on our side, before the source is asked
	first  time.Duration // to the first byte
	slow   bool          // the body is found too slow then
	body   time.Duration // from the first byte to the end
	silent bool          // nothing is reported before the answer is complete
	err    error         // in place of an answer

	leaves time.Duration // after which the caller goes; 0: never
	why    error         // the cause with which it goes; nil: no particular one
}

func (c course) answer(ctx context.Context, req upstream.Request) error {
	progress := upstream.ProgressOf(ctx)
	gone := upstream.AsError(context.Canceled, req, "proxy")
	if c.queued > 0 {
		progress.Queued()
		if !pause(ctx, c.queued) {
			return gone
		}
		progress.Asked()
	}
	if !pause(ctx, c.first) {
		return gone
	}
	if !c.silent && c.err == nil {
		progress.FirstByte()
	}
	if c.slow {
		progress.Slow()
	}
	if !pause(ctx, c.body) {
		return gone
	}
	return c.err
}

// judge returns what a call that goes like that is held to say of its source:
// after two failures of three that open the circuit.
func (c course) judge(t *testing.T, opts breaker.CircuitOptions) verdict {
	t.Helper()
	s := down("proxy")
	opts.ConsecutiveFailures, opts.OpenFor = 3, time.Hour
	u := breaker.Circuit(&opts)(s)
	askTimes(t, u, 2)
	s.answer = c.answer
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	if c.leaves > 0 {
		time.AfterFunc(c.leaves, func() { cancel(c.why) })
	}
	err := ask(ctx, t, u, modKey)
	if departed := ctx.Err() != nil; !departed && !errors.Is(err, c.err) {
		t.Errorf("the caller got %v, want %v", err, c.err)
	}
	s.fails(upstream.Error{})
	switch {
	case isOpen(t, u):
		return failure
	case isOpen(t, u):
		return neither
	}
	return success
}
