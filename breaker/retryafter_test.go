package breaker_test

import (
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
					Tries: 3, FirstWait: time.Millisecond, MaxElapsed: -1, MaxRetryAfter: test.bound,
				})(s)
				err := ask(t.Context(), t, u, modKey)
				want := &upstream.Error{Request: request(t, modKey), Source: "proxy", Status: 503, RetryAfter: test.after}
				if test.waits == nil {
					wantError(t, want, err)
				} else {
					wantGaveUp(t, want, 3, breaker.OutOfTries, err)
				}
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
			ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{Tries: 3})(s), modKey)
			wantWaits(t, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}, s.waits())
		})
	}
}

// That no Retry-After is waited for does not concern those who sent none.
func TestRetryWithoutRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{MaxRetryAfter: -1})(s), modKey)
		wantAsked(t, s, tries)
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
		{"whoever comes last", []upstream.Error{unavailable(3 * sec), unavailable(time.Hour)}, []time.Duration{3 * sec, 3 * sec}},
		{"all ask for too much", []upstream.Error{unavailable(time.Hour), unavailable(2 * time.Hour)}, nil},
		{"not one that has answered", []upstream.Error{{Class: upstream.NotFound, RetryAfter: sec}, unavailable(3 * sec)}, []time.Duration{3 * sec, 3 * sec}},
		{"not one that does not like the request", []upstream.Error{{Status: 400, RetryAfter: sec}, unavailable(3 * sec)}, []time.Duration{3 * sec, 3 * sec}},
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
				u := breaker.Retry(&breaker.RetryOptions{Tries: 3, FirstWait: time.Millisecond})(upstream.Mirrors(members...))
				ask(t.Context(), t, u, modKey)
				if diff := cmp.Diff(test.waits, last.waits()); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
			})
		})
	}
}
