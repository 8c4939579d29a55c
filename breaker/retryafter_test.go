package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// The backoff here is shorter than any Retry-After, so that the waits are
// exactly what the source asked for.
func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name  string
		bound time.Duration // MaxRetryAfter
		after time.Duration // as the source asks
		waits []time.Duration
	}{
		{"waited for", 0, 2 * time.Second, []time.Duration{2 * time.Second, 2 * time.Second}},
		{"the default bound", 0, 5 * time.Second, []time.Duration{5 * time.Second, 5 * time.Second}},
		{"beyond the default bound", 0, 5*time.Second + 1, nil},
		{"far beyond", 0, time.Hour, nil},
		{"own bound", time.Minute, time.Minute, []time.Duration{time.Minute, time.Minute}},
		{"beyond the own bound", time.Minute, time.Minute + 1, nil},
		{"none is waited for", -1, time.Second, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := clock(down("proxy"))
				s.fails(upstream.Error{Status: 503, RetryAfter: test.after})
				u := breaker.Retry(&breaker.RetryOptions{
					FirstWait: time.Millisecond, MaxElapsed: -1, MaxRetryAfter: test.bound,
				})(s)
				err := ask(t.Context(), t, u, modKey)
				wantError(t, &upstream.Error{
					Request: request(t, modKey), Source: "proxy", Status: 503, RetryAfter: test.after,
				}, err)
				if diff := cmp.Diff(test.waits, s.waits()); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A source that asks for less than the backoff is not asked sooner for it.
func TestRetryAfterShorterThanBackoff(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := clock(down("proxy"))
			s.fails(upstream.Error{RetryAfter: 10 * time.Millisecond})
			ask(t.Context(), t, breaker.Retry(nil)(s), modKey)
			wantWaits(t, []time.Duration{200 * time.Millisecond, 400 * time.Millisecond}, s.waits())
		})
	}
}

// That no Retry-After is waited for does not concern those who sent none.
func TestRetryWithoutRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{MaxRetryAfter: -1})(s), modKey)
		wantAsked(t, s, 3)
	})
}

// Of several sources, the next pass waits for the one that may help soonest.
func TestRetryAfterOfSeveral(t *testing.T) {
	unavailable := func(after time.Duration) upstream.Error { return upstream.Error{RetryAfter: after} }
	const sec = time.Second
	tests := []struct {
		name    string
		sources []upstream.Error
		waits   []time.Duration
	}{
		{"the sooner", []upstream.Error{unavailable(4 * sec), unavailable(2 * sec)}, []time.Duration{2 * sec, 2 * sec}},
		{"in any order", []upstream.Error{unavailable(2 * sec), unavailable(4 * sec)}, []time.Duration{2 * sec, 2 * sec}},
		{"not one that asks for too much", []upstream.Error{unavailable(time.Hour), unavailable(3 * sec)}, []time.Duration{3 * sec, 3 * sec}},
		{"all ask for too much", []upstream.Error{unavailable(time.Hour), unavailable(2 * time.Hour)}, nil},
		{"not one that has answered", []upstream.Error{{Class: upstream.NotFound, RetryAfter: sec}, unavailable(3 * sec)}, []time.Duration{3 * sec, 3 * sec}},
		{"not our own limit", []upstream.Error{{Class: upstream.Overloaded, RetryAfter: sec}, unavailable(3 * sec)}, []time.Duration{3 * sec, 3 * sec}},
		{"a timeout's counts", []upstream.Error{{Class: upstream.Timeout, RetryAfter: sec}, unavailable(3 * sec)}, []time.Duration{sec, sec}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var members []upstream.Upstream
				var last *clocked
				for i, e := range test.sources {
					last = clock(&source{name: string(rune('a' + i))})
					last.fails(e)
					members = append(members, last)
				}
				u := breaker.Retry(&breaker.RetryOptions{FirstWait: time.Millisecond})(upstream.Mirrors(members...))
				ask(t.Context(), t, u, modKey)
				if diff := cmp.Diff(test.waits, last.waits()); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A pass over open circuits costs no request, and is not waited for where a
// circuit stays open for longer than is worth waiting.
func TestRetryOverOpenCircuits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := down("a"), down("b")
		u := upstream.Wrap(upstream.Mirrors(a, b), breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1}))
		u = breaker.Retry(nil)(u)
		opened := time.Now()
		ask(t.Context(), t, u, modKey)

		start := time.Now()
		err := ask(t.Context(), t, u, modKey)
		if !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("error is %v", err)
		}
		if e := upstream.AsError(err, upstream.Request{}, ""); e.RetryAfter != time.Until(opened.Add(10*time.Second)) {
			t.Errorf("Retry-After is %v", e.RetryAfter)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		wantAsked(t, a, 1)
		wantAsked(t, b, 1)
	})
}

// Where the circuit is half-open soon, retry waits for it and is the probe.
func TestRetryWaitsForACircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &source{name: "proxy"}
		s.answer = func(_ context.Context, req upstream.Request) error {
			if time.Since(start) < time.Second {
				return &upstream.Error{Request: req, Source: "proxy"}
			}
			return nil
		}
		u := breaker.Retry(nil)(breaker.Circuit(&breaker.CircuitOptions{
			ConsecutiveFailures: 1, OpenFor: 2 * time.Second,
		})(s))
		if err := ask(t.Context(), t, u, modKey); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v, want 2s", waited)
		}
		wantAsked(t, s, 2)
	})
}
