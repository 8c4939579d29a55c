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

// guarded returns mirrors with a circuit around each that opens at its first
// failure.
func guarded(sources ...upstream.Upstream) upstream.Upstream {
	return upstream.Wrap(upstream.Mirrors(sources...), breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: time.Second}))
}

// Where all circuits are open, nobody has been asked: the last resort follows at
// once, and finds that a source is back.
func TestRetryOverOpenCircuits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := down("a"), down("b")
		circuits := guarded(a, b)
		askTimes(t, circuits, 1)
		time.Sleep(time.Second)
		b.works()
		start := time.Now()
		if err := ask(t.Context(), t, breaker.Retry(nil)(circuits), modKey); err != nil {
			t.Errorf("a source is back, and: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		wantAsked(t, a, 2)
		wantAsked(t, b, 2)
	})
}

// As long as one source was asked and failed, the rest waits.
func TestRetryOverAnOpenAndAFailingSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := down("a"), down("b")
		circuits := guarded(a, b)
		askTimes(t, upstream.Sources(circuits)[0], 1)
		time.Sleep(time.Second)
		a.works()
		start := time.Now()
		if err := ask(t.Context(), t, breaker.Retry(nil)(circuits), modKey); err != nil {
			t.Error(err)
		}
		wantWaits(t, []time.Duration{100 * time.Millisecond}, []time.Duration{time.Since(start)})
		wantAsked(t, a, 2)
		wantAsked(t, b, 1)
	})
}

// What was absent from one source and not asked of another is waited for, too:
// the other might have it.
func TestRetryOverAnOpenSourceAndAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := down("a"), &source{name: "b"}
		b.fails(upstream.Error{Class: upstream.NotFound})
		circuits := guarded(a, b)
		askTimes(t, circuits, 1)
		time.Sleep(time.Second)
		a.works()
		if err := ask(t.Context(), t, breaker.Retry(nil)(circuits), modKey); err != nil {
			t.Error(err)
		}
		wantAsked(t, a, 2)
	})
}

// Where one source has answered and the other stays out, that is the answer, at
// once: a go command asks for many paths that do not exist.
func TestRetryOverADeadSourceAndAbsence(t *testing.T) {
	for _, answer := range []upstream.Error{{Class: upstream.NotFound}, {Class: upstream.Denied}, {Status: 400}} {
		synctest.Test(t, func(t *testing.T) {
			a, b, class := down("a"), &source{name: "b"}, answer.Class
			b.fails(answer)
			var told []breaker.RetryEvent
			retried := breaker.Retry(&breaker.RetryOptions{OnRetry: func(_ context.Context, e breaker.RetryEvent) { told = append(told, e) }})(guarded(a, b))
			askTimes(t, upstream.Sources(retried.(interface{ Unwrap() upstream.Upstream }).Unwrap())[0], 1)
			time.Sleep(time.Second)
			for range 3 {
				start := time.Now()
				if err := ask(t.Context(), t, retried, modKey); upstream.ClassOf(err) == upstream.Canceled {
					t.Error(err)
				}
				if waited := time.Since(start); waited != 0 {
					t.Errorf("%v: waited %v", class, waited)
				}
			}
			wantAsked(t, a, 2) // and one last resort
			wantAsked(t, b, 6)
			if len(told) != 3 || told[0].Reason != breaker.Pointless {
				t.Errorf("%v: told %v", class, told)
			}
		})
	}
}

// The immediate last resort needs neither budget nor tries, and there is but one.
func TestRetryAsksOpenCircuitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		circuit := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: time.Second})(s)
		askTimes(t, circuit, 1)
		time.Sleep(time.Second)
		u := breaker.Retry(&breaker.RetryOptions{Tries: 1, Budget: new(upstream.Budget)})(circuit)
		start := time.Now()
		wantError(t, &upstream.Error{Request: request(t, modKey), Source: "proxy"}, ask(t.Context(), t, u, modKey))
		if err := ask(t.Context(), t, u, modKey); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("the next one: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		wantAsked(t, s, 2)
	})
}

// A circuit's RetryAfter to a last resort is waited for like a source's, so that
// retry is the one whom it lets through first.
func TestRetryWaitsForACircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Retry(nil)(breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: time.Second})(s))
		start := time.Now()
		time.AfterFunc(900*time.Millisecond, s.works)
		if err := ask(t.Context(), t, u, modKey); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v, want 1s", waited)
		}
		wantAsked(t, s, 2)
	})
}

// Where a source asked to be left alone for longer than is worth waiting, its
// circuit says so, and that is the answer.
func TestRetryGivesUpOnAHoldOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy"}
		s.fails(upstream.Error{Status: 429, RetryAfter: 20 * time.Second})
		u := breaker.Retry(nil)(breaker.Circuit(nil)(s))
		start := time.Now()
		askTimes(t, u, 1)
		time.Sleep(5 * time.Second)
		err := ask(t.Context(), t, u, modKey)
		wantError(t, &upstream.Error{
			Request: request(t, modKey), Source: "proxy", Err: breaker.ErrOpen, RetryAfter: 15 * time.Second,
		}, err)
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("waited %v", waited-5*time.Second)
		}
		wantAsked(t, s, 1)
	})
}
