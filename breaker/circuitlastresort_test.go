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

// While a circuit is open, those whom nobody else can answer may go through,
// and not more often than LastResort.
func TestLastResortIsRationed(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name   string
		opts   breaker.CircuitOptions
		during time.Duration
		want   int64 // last resorts that reach the source
	}{
		{"the default", breaker.CircuitOptions{OpenFor: time.Minute}, 10 * sec, 39},
		{"own interval", breaker.CircuitOptions{OpenFor: time.Minute, LastResort: 3 * sec}, 10 * sec, 3},
		{"never", breaker.CircuitOptions{OpenFor: time.Minute, LastResort: -1}, time.Minute, 0},
		{"not more seldom than OpenFor", breaker.CircuitOptions{OpenFor: 5 * sec, LastResort: time.Hour}, 5*sec + 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := down("proxy")
				test.opts.ConsecutiveFailures = 1
				u := lastResort(breaker.Circuit(&test.opts)(s))
				askTimes(t, u, 1)
				for opened := time.Now(); time.Since(opened) < test.during; time.Sleep(50 * time.Millisecond) {
					askTimes(t, u, 5)
				}
				wantAsked(t, s, 1+test.want)
			})
		})
	}
}

// The lanes have last resorts of their own.
func TestLastResortLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: time.Second})(s)
		keys := []string{modKey, zipKey, "sumdb/sum.example/latest"}
		for _, key := range keys {
			ask(t.Context(), t, u, key)
		}
		time.Sleep(time.Second)
		for _, key := range append(keys, keys...) {
			ask(t.Context(), t, lastResort(u), key)
		}
		wantAsked(t, s, 3+3)
	})
}

// A last resort that succeeds closes the circuit ahead of time for everybody.
func TestLastResortCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		s.works()
		time.Sleep(time.Second - 1)
		if err := ask(t.Context(), t, lastResort(u), modKey); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("before its time: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if !isOpen(t, u) {
			t.Error("others are let through, too")
		}
		if err := ask(t.Context(), t, lastResort(u), modKey); err != nil {
			t.Errorf("last resort: %v", err)
		}
		askTimes(t, u, 5)
		wantAsked(t, s, 1+5)
	})
}

// One that fails changes nothing for the others: OpenFor counts from when the
// circuit opened.
func TestLastResortDoesNotPostpone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		start := time.Now()
		for range 8 {
			time.Sleep(time.Second)
			askTimes(t, lastResort(u), 1)
		}
		wantAsked(t, s, 8)
		if left := refusedFor(t, u); left != 2*time.Second {
			t.Errorf("after %v it is to be left alone for %v", time.Since(start), left)
		}
		time.Sleep(2 * time.Second)
		s.works()
		if err := ask(t.Context(), t, u, modKey); err != nil {
			t.Errorf("after OpenFor: %v", err)
		}
	})
}

// A last resort that nobody waited for to the end leaves the circuit as it was.
func TestLastResortDeparts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		s.takes = time.Hour
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ask(ctx, t, lastResort(u), modKey)
		s.takes = 0
		if left := refusedFor(t, u); left != 8*time.Second {
			t.Errorf("to be left alone for %v", left)
		}
		s.works()
		if err := ask(t.Context(), t, lastResort(u), modKey); err != nil {
			t.Errorf("the next one: %v", err)
		}
		if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Working {
			t.Errorf("the source is %v", got)
		}
	})
}
