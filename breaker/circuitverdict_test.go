package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

type verdict string

const (
	success verdict = "success"
	failure verdict = "failure"
	neither verdict = "neither"
)

// An outcome is how a request ends, and what that says of the source.
type outcome struct {
	name    string
	err     error
	departs bool // the caller goes away meanwhile
	offline bool
	want    verdict
}

func outcomes() []outcome {
	of := func(class upstream.Class) error { return &upstream.Error{Class: class, Source: "proxy"} }
	status := func(code int) error { return &upstream.Error{Source: "proxy", Status: code} }
	return []outcome{
		{name: "answer", want: success},
		{name: "not found", err: of(upstream.NotFound), want: success},
		{name: "denied", err: of(upstream.Denied), want: success},
		{name: "wrapped not found", err: fmt.Errorf("outer: %w", of(upstream.NotFound)), want: success},

		{name: "unavailable", err: of(upstream.Unavailable), want: failure},
		{name: "timeout", err: of(upstream.Timeout), want: failure},
		{name: "untrusted", err: of(upstream.Untrusted), want: failure},
		{name: "error of another type", err: io.ErrUnexpectedEOF, want: failure},
		{name: "deadline that is not the caller's", err: context.DeadlineExceeded, want: failure},
		{name: "error of a source inside", err: &upstream.Error{Source: "inner"}, want: failure},

		{name: "status 500", err: status(500), want: failure},
		{name: "too slow a request", err: status(408), want: failure},
		{name: "too early", err: status(425), want: failure},
		{name: "too many requests", err: status(429), want: failure},
		{name: "untrusted, whatever the status", err: &upstream.Error{Class: upstream.Untrusted, Source: "proxy", Status: 400}, want: failure},

		{name: "does not like the request", err: status(400), want: neither},
		{name: "nor its length", err: status(414), want: neither},
		{name: "canceled", err: of(upstream.Canceled), want: neither},
		{name: "cancellation of another type", err: context.Canceled, want: neither},
		{name: "overloaded", err: of(upstream.Overloaded), want: neither},
		{name: "names no source", err: &upstream.Error{Err: errors.New("disk full")}, want: neither},
		{name: "untrusted by no source", err: &upstream.Error{Class: upstream.Untrusted}, want: neither},
		{name: "caller departed", err: of(upstream.Unavailable), departs: true, want: neither},
		{name: "caller departed from a not found", err: of(upstream.NotFound), departs: true, want: neither},
		{name: "offline", err: &upstream.Error{Source: "proxy", Err: upstream.ErrOffline}, offline: true, want: neither},

		{name: "answer for a departed caller", departs: true, want: success},
		{name: "not found offline", err: of(upstream.NotFound), offline: true, want: success},
	}
}

// meet makes a request that ends like o.
func (o outcome) meet(t *testing.T, u upstream.Upstream, s *source) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if o.offline {
		ctx = upstream.WithOffline(ctx)
	}
	s.answer = func(context.Context, upstream.Request) error {
		if o.departs {
			cancel()
		}
		return o.err
	}
	before := s.asked.Load()
	// The caller gets the error, without what may be wrapped around it.
	if err := ask(ctx, t, u, modKey); !errors.Is(err, o.err) && !errors.Is(o.err, err) {
		t.Errorf("error is %v, want %v", err, o.err)
	}
	wantAsked(t, s, before+1)
	s.fails(upstream.Error{})
}

// isOpen asks a source that fails, and reports whether it was spared that.
func isOpen(t *testing.T, u upstream.Upstream) bool {
	t.Helper()
	return errors.Is(ask(t.Context(), t, u, modKey), breaker.ErrOpen)
}

// With a circuit that opens at 3 in a row, a failure as the third opens it; if
// it is neither, the failure after it does; and a success makes both begin anew.
func TestCircuitVerdict(t *testing.T) {
	for _, o := range outcomes() {
		t.Run(o.name, func(t *testing.T) {
			s := down("proxy")
			u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 3, OpenFor: time.Hour})(s)
			askTimes(t, u, 2)
			o.meet(t, u, s)
			got := success
			if isOpen(t, u) {
				got = failure
			} else if isOpen(t, u) {
				got = neither
			}
			if got != o.want {
				t.Errorf("counts as %s, want %s", got, o.want)
			}
		})
	}
}

// A half-open circuit is closed by a success and opened by a failure. What is
// neither leaves it half-open, with room for the next probe.
func TestHalfOpenVerdict(t *testing.T) {
	for _, o := range outcomes() {
		t.Run(o.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := down("proxy")
				u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 3})(s)
				askTimes(t, u, 3)
				time.Sleep(10 * time.Second)
				o.meet(t, u, s)
				got := success
				if isOpen(t, u) {
					got = failure
				} else if isOpen(t, u) {
					got = neither // one more failure was enough
				}
				if got != o.want {
					t.Errorf("counts as %s, want %s", got, o.want)
				}
			})
		})
	}
}
