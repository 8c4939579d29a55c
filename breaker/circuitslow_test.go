package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
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

// A call that took too long to its first byte is a failure, though its caller
// has the answer. What comes after the first byte takes as long as it takes.
func TestCircuitSlowCall(t *testing.T) {
	const sec = time.Second
	notFound := &upstream.Error{Class: upstream.NotFound, Source: "proxy"}
	tests := []struct {
		name   string
		slow   time.Duration // SlowCall
		course course
		want   verdict
	}{
		{"fast", 0, course{first: sec}, success},
		{"just within the default", 0, course{first: 10*sec - 1}, success},
		{"the default", 0, course{first: 10 * sec}, failure},
		{"far beyond", 0, course{first: time.Hour}, failure},
		{"own bound met", 2 * sec, course{first: 2 * sec}, failure},
		{"own bound not met", 2 * sec, course{first: 2*sec - 1}, success},
		{"no bound", -1, course{first: time.Hour}, success},
		{"long body", 0, course{first: sec, body: time.Hour}, success},
		{"slow body that nobody outpaced", 0, course{first: sec, slow: true, body: time.Hour}, success},
		{"a source that does not report its first byte", 0, course{silent: true, first: sec, body: 9 * sec}, failure},
		{"nor takes long", 0, course{silent: true, first: sec, body: 8 * sec}, success},
		{"our own queue", 0, course{queued: time.Hour, first: sec}, success},
		{"slow after our own queue", 0, course{queued: sec, first: 10 * sec}, failure},
		{"absence is an answer that may take time to find", 0, course{first: time.Hour, err: notFound}, success},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := test.course.judge(t, breaker.CircuitOptions{SlowCall: test.slow}); got != test.want {
					t.Errorf("counts as %s, want %s", got, test.want)
				}
			})
		})
	}
}

// What a caller who went away early has seen until then counts, and no more.
func TestCircuitDeparture(t *testing.T) {
	const sec = time.Second
	outpaced := upstream.ErrOutpaced
	never := 100 * time.Hour
	tests := []struct {
		name   string
		slow   time.Duration // SlowCall
		course course
		want   verdict
	}{
		{"early", 0, course{first: never, leaves: sec}, neither},
		{"just before SlowCall", 0, course{first: never, leaves: 10*sec - 1}, neither},
		{"after SlowCall", 0, course{first: never, leaves: 10 * sec}, failure},
		{"without SlowCall", -1, course{first: never, leaves: time.Hour}, neither},
		{"during the body", 0, course{first: sec, body: never, leaves: time.Hour}, neither},
		{"during a body that began late", 0, course{first: 20 * sec, body: never, leaves: time.Hour}, neither},
		{"during a slow body", 0, course{first: sec, slow: true, body: never, leaves: time.Hour}, neither},
		{"in our own queue", 0, course{queued: never, leaves: time.Hour}, neither},
		{"early after our own queue", 0, course{queued: 20 * sec, first: never, leaves: 21 * sec}, neither},
		{"late after our own queue", 0, course{queued: 20 * sec, first: never, leaves: 30 * sec}, failure},

		{"outpaced while silent", 0, course{first: never, leaves: sec, why: outpaced}, failure},
		{"outpaced without SlowCall", -1, course{first: never, leaves: sec, why: outpaced}, failure},
		{"outpaced during the body", 0, course{first: sec, body: never, leaves: 2 * sec, why: outpaced}, success},
		{"outpaced for its slow body", 0, course{first: sec, slow: true, body: never, leaves: 9 * sec, why: outpaced}, failure},
		{"outpaced in our own queue", 0, course{queued: never, leaves: time.Hour, why: outpaced}, neither},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := test.course.judge(t, breaker.CircuitOptions{SlowCall: test.slow}); got != test.want {
					t.Errorf("counts as %s, want %s", got, test.want)
				}
			})
		})
	}
}
