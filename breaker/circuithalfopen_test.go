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

// opened returns a circuit with the given number of probes that has just
// opened, and what is behind it.
func opened(t *testing.T, probes uint32) (upstream.Upstream, *source) {
	t.Helper()
	s := down("proxy")
	u := breaker.Circuit(&breaker.CircuitOptions{
		ConsecutiveFailures: 1, Probes: probes, OpenFor: 10 * time.Second, LastResort: time.Second,
	})(s)
	askTimes(t, u, 1)
	if !isOpen(t, u) {
		t.Fatal("the circuit is closed")
	}
	s.asked.Store(0)
	return u, s
}

func TestHalfOpenLetsProbesThrough(t *testing.T) {
	for _, test := range []struct {
		probes uint32 // as an option
		want   int64
	}{{0, 1}, {1, 1}, {3, 3}} {
		synctest.Test(t, func(t *testing.T) {
			u, s := opened(t, test.probes)
			time.Sleep(15 * time.Second)
			s.works()
			s.takes = 500 * time.Millisecond
			for range test.want {
				go func() {
					if err := ask(t.Context(), t, u, modKey); err != nil {
						t.Errorf("a probe was refused: %v", err)
					}
				}()
			}
			synctest.Wait()

			start := time.Now()
			for range 10 {
				err := ask(t.Context(), t, u, modKey)
				wantError(t, &upstream.Error{
					Request: request(t, modKey), Source: "proxy", Err: breaker.ErrOpen,
				}, err)
			}
			if waited := time.Since(start); waited != 0 {
				t.Errorf("who is no probe waited for %v", waited)
			}
			wantAsked(t, s, test.want)

			time.Sleep(2 * time.Second)
			s.takes = 0
			askTimes(t, u, 10)
			wantAsked(t, s, test.want+10)
		})
	}
}

func TestHalfOpenDecides(t *testing.T) {
	tests := []struct {
		name   string
		probes uint32
		script string // probes that succeed (S), fail (F) and say nothing (n)
		closed bool
	}{
		{"one success closes", 1, "S", true},
		{"one failure opens", 1, "F", false},
		{"success after a departed probe", 1, "nnnnnS", true},
		{"failure after a departed probe", 1, "nnnnnF", false},
		{"two of two", 2, "SS", true},
		{"failure after a success", 2, "SF", false},
		{"two of two between departed probes", 2, "nSnS", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, s := opened(t, test.probes)
				time.Sleep(10 * time.Second)
				open := play(t, u, s, test.script)
				if open == test.closed {
					t.Errorf("open: %v", open)
				}
				asked := int64(len(test.script))
				if test.closed {
					asked++ // play has a look itself
				}
				wantAsked(t, s, asked)
			})
		})
	}
}

// A circuit that is half-open is open to probes only: until enough have
// succeeded, a failure opens it at once.
func TestHalfOpenIsNotClosedBySomeSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 3)
		time.Sleep(10 * time.Second)
		s.works()
		askTimes(t, u, 2)
		s.fails(upstream.Error{})
		askTimes(t, u, 5)
		wantAsked(t, s, 3)
	})
}

// A circuit that opens again stays open as long as the first time.
func TestHalfOpenOpensForAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		for round := range int64(3) {
			time.Sleep(10*time.Second - 1)
			if !isOpen(t, u) {
				t.Error("asked before the time")
			}
			time.Sleep(time.Nanosecond)
			askTimes(t, u, 1)
			wantAsked(t, s, round+1)
			wantError(t, &upstream.Error{
				Request: request(t, modKey), Source: "proxy", Err: breaker.ErrOpen, RetryAfter: 10 * time.Second,
			}, ask(t.Context(), t, u, modKey))
		}
	})
}

// A probe whose caller goes early gives its place to the next one. The source's
// silence is not held against it before Silence: the caller may have been
// impatient.
func TestHalfOpenProbeDeparts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		time.Sleep(10 * time.Second)
		s.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		gone := make(chan error, 1)
		go func() { gone <- ask(ctx, t, u, modKey) }()
		synctest.Wait()

		if !isOpen(t, u) {
			t.Error("a second probe was let through")
		}
		start := time.Now()
		if err := <-gone; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller got %v", err)
		}
		if waited := time.Since(start); waited != 300*time.Millisecond {
			t.Errorf("the caller waited %v", waited)
		}
		s.takes = 0
		s.works()
		if err := ask(t.Context(), t, u, modKey); err != nil {
			t.Errorf("after the probe departed: %v", err)
		}
		askTimes(t, u, 5)
		wantAsked(t, s, 1+1+5)
	})
}

// However probes end, and however many at once come and go, the circuit finds
// its way back as soon as the source does.
func TestHalfOpenIsNeverStuck(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name   string
		probes uint32
		course course
	}{
		{"departs while silent", 1, course{first: time.Hour, leaves: sec}},
		{"departs during the body", 1, course{first: sec, body: time.Hour, leaves: 2 * sec}},
		{"departs in our own queue", 1, course{queued: time.Hour, leaves: sec}},
		{"departs late", 1, course{first: time.Hour, leaves: time.Minute}},
		{"outpaced while silent", 1, course{first: time.Hour, leaves: sec, why: upstream.ErrOutpaced}},
		{"outpaced during the body", 1, course{first: sec, body: time.Hour, leaves: 2 * sec, why: upstream.ErrOutpaced}},
		{"outpaced for its slow body", 1, course{first: sec, slow: true, body: time.Hour, leaves: 2 * sec, why: upstream.ErrOutpaced}},
		{"several", 3, course{first: time.Hour, leaves: sec}},
		{"several outpaced", 3, course{first: time.Hour, leaves: sec, why: upstream.ErrOutpaced}},
		{"meets our own limit", 1, course{err: &upstream.Error{Class: upstream.Overloaded, Source: "proxy"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, s := opened(t, test.probes)
				s.will(test.course.answer)
				for range 20 {
					time.Sleep(10 * time.Second)
					for range 5 {
						go func() {
							ctx, cancel := context.WithCancelCause(t.Context())
							defer cancel(nil)
							if test.course.leaves > 0 {
								time.AfterFunc(test.course.leaves, func() { cancel(test.course.why) })
							}
							ask(ctx, t, u, modKey)
						}()
					}
				}
				time.Sleep(10 * time.Minute)
				s.works()
				askTimes(t, u, int(test.probes))
				if err := ask(t.Context(), t, u, modKey); err != nil {
					t.Errorf("the source is back, and: %v", err)
				}
				if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Working {
					t.Errorf("the source is %v", got)
				}
			})
		})
	}
}
