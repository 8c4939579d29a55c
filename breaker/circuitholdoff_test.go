package breaker_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// A source that asks to be left alone is: for how long a circuit that is open
// refuses ordinary calls, and last resorts.
func TestCircuitHoldOff(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name     string
		opts     breaker.CircuitOptions
		status   int
		after    time.Duration
		failures int           // until it opens
		ordinary time.Duration // is refused for so long
		last     time.Duration // and a last resort
	}{
		{"429 without Retry-After", breaker.CircuitOptions{}, 429, 0, 5, 10 * sec, sec},
		{"429 opens at once", breaker.CircuitOptions{}, 429, 7 * sec, 1, 7 * sec, 7 * sec},
		{"longer than OpenFor", breaker.CircuitOptions{}, 429, 20 * sec, 1, 20 * sec, 20 * sec},
		{"bounded", breaker.CircuitOptions{}, 429, time.Hour, 1, 30 * sec, 30 * sec},
		{"own bound", breaker.CircuitOptions{MaxHoldOff: time.Minute}, 429, time.Hour, 1, time.Minute, time.Minute},
		{"unheeded", breaker.CircuitOptions{MaxHoldOff: -1}, 429, 7 * sec, 5, 10 * sec, sec},
		{"503 counts as any failure", breaker.CircuitOptions{}, 503, 20 * sec, 5, 20 * sec, 20 * sec},
		{"503 sooner than OpenFor", breaker.CircuitOptions{}, 503, 4 * sec, 5, 4 * sec, 4 * sec},
		{"503 unheeded", breaker.CircuitOptions{MaxHoldOff: -1}, 503, 4 * sec, 5, 10 * sec, sec},
		{"no last resorts at all", breaker.CircuitOptions{LastResort: -1}, 429, 20 * sec, 1, 20 * sec, 20 * sec},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy"}
				s.fails(upstream.Error{Status: test.status, RetryAfter: test.after})
				test.opts.LastResort = cmp.Or(test.opts.LastResort, time.Second)
				u := breaker.Circuit(&test.opts)(s)
				for i := range test.failures {
					if isOpen(t, u) {
						t.Fatalf("open after %d failures", i)
					}
				}
				if got := refusedFor(t, u); got != test.ordinary {
					t.Errorf("ordinary calls are refused for %v, want %v", got, test.ordinary)
				}
				if got := refusedFor(t, lastResort(u)); got != test.last {
					t.Errorf("last resorts are refused for %v, want %v", got, test.last)
				}
				time.Sleep(test.last - 1)
				if !errors.Is(ask(t.Context(), t, lastResort(u), modKey), breaker.ErrOpen) {
					t.Error("a last resort came before its time")
				}
				time.Sleep(time.Nanosecond)
				askTimes(t, lastResort(u), 1)
				wantAsked(t, s, int64(test.failures)+1)
			})
		})
	}
}

// A last resort that meets a longer hold-off is heeded, too.
func TestLastResortIsAskedForPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		s.fails(upstream.Error{Status: 429, RetryAfter: 25 * time.Second})
		time.Sleep(time.Second)
		askTimes(t, lastResort(u), 1)
		for _, u := range []upstream.Upstream{u, lastResort(u)} {
			if got := refusedFor(t, u); got != 25*time.Second {
				t.Errorf("refused for %v", got)
			}
		}
		wantAsked(t, s, 1)
	})
}

// A 429 that keeps a half-open circuit from closing is no reason to open at the
// first failure after it has closed.
func TestHoldOffOfAProbeIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Circuit(nil)(s)
		askTimes(t, u, 5)
		time.Sleep(10 * time.Second)
		s.fails(upstream.Error{Status: 429, RetryAfter: 7 * time.Second})
		askTimes(t, u, 1)
		time.Sleep(7 * time.Second)
		if open := play(t, u, s, "SFFFF"); open {
			t.Error("open after four failures")
		}
	})
}

// Each failure speaks for itself: what an earlier one asked for is not held
// against a source whose circuit opens later for another, be it a panic.
func TestHoldOffIsOfTheLastFailure(t *testing.T) {
	for name, last := range map[string]func(context.Context, upstream.Request) error{
		"error": func(context.Context, upstream.Request) error { return io.ErrUnexpectedEOF },
		"panic": func(context.Context, upstream.Request) error { panic("oops") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy"}
				s.fails(upstream.Error{Status: 503, RetryAfter: 25 * time.Second})
				u := breaker.Circuit(nil)(s)
				askTimes(t, u, 4)
				s.will(last)
				caught(t, u)
				if got := refusedFor(t, u); got != 10*time.Second {
					t.Errorf("refused for %v", got)
				}
			})
		})
	}
}

// A lie found out meanwhile does not make the source be asked any sooner.
func TestStrikeKeepsTheHoldOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy"}
		s.fails(upstream.Error{Status: 429, RetryAfter: 20 * time.Second})
		u := breaker.Circuit(nil)(s)
		askTimes(t, u, 1)
		time.Sleep(5 * time.Second)
		strike(u)
		if got := refusedFor(t, lastResort(u)); got != 15*time.Second {
			t.Errorf("last resorts are refused for %v", got)
		}
	})
}
