package breaker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// A trial holds its place for LastResort; then the next may try, and closes the
// circuit if it succeeds.
func TestTrialHoldsItsPlace(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name  string
		opts  breaker.CircuitOptions
		last  bool // the trial is a last resort, as the next is
		place time.Duration
	}{
		{"the default", breaker.CircuitOptions{}, false, 250 * time.Millisecond},
		{"a last resort", breaker.CircuitOptions{}, true, 250 * time.Millisecond},
		{"own time", breaker.CircuitOptions{LastResort: 3 * sec}, false, 3 * sec},
		{"a last resort's own time", breaker.CircuitOptions{LastResort: 3 * sec}, true, 3 * sec},
		{"not longer than OpenFor", breaker.CircuitOptions{LastResort: time.Hour}, false, 10 * sec},
		{"without last resorts", breaker.CircuitOptions{LastResort: -1}, false, 10 * sec},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := down("proxy")
				test.opts.ConsecutiveFailures = 1
				u := breaker.Circuit(&test.opts)(s)
				askTimes(t, u, 1)
				time.Sleep(10 * sec)
				if test.last {
					askTimes(t, u, 1) // opens it again
					u = lastResort(u)
					time.Sleep(test.place)
				}
				s.will(course{first: time.Minute}.answer)
				go ask(t.Context(), t, u, modKey)
				synctest.Wait()
				s.works()
				time.Sleep(test.place - 1)
				if !isOpen(t, u) {
					t.Error("the next trial came before its time")
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if err := ask(t.Context(), t, u, modKey); err != nil {
					t.Errorf("the next trial: %v", err)
				}
				if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Working {
					t.Errorf("the source is %v", got)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

// A source at which all trials hang gets one more with each LastResort, however
// many ask.
func TestTrialsThatHangAreRationed(t *testing.T) {
	tests := []struct {
		name   string
		probes uint32
		last   bool
		want   int64 // in 5 s
	}{
		{"half-open", 1, false, 5},
		{"several probes", 3, false, 15},
		{"last resorts", 1, true, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, s := opened(t, test.probes)
				s.takes = time.Minute
				if test.last {
					time.Sleep(time.Second)
					u = lastResort(u)
				} else {
					time.Sleep(10 * time.Second)
				}
				for range 50 {
					for range 5 {
						go ask(t.Context(), t, u, modKey)
					}
					time.Sleep(100 * time.Millisecond)
				}
				wantAsked(t, s, test.want)
				time.Sleep(time.Hour)
			})
		})
	}
}

// The verdict of a slow trial counts when it comes, as if it had been a fast one.
func TestLateVerdictOfATrial(t *testing.T) {
	of := func(e upstream.Error) func(context.Context, upstream.Request) error {
		e.Source = "proxy"
		return func(context.Context, upstream.Request) error { return &e }
	}
	tests := []struct {
		name string
		late func(context.Context, upstream.Request) error
		want upstream.HealthState
	}{
		{"answer", nil, upstream.Working},
		{"absence", of(upstream.Error{Class: upstream.NotFound}), upstream.Working},
		{"failure", of(upstream.Error{}), upstream.Out},
		{"panic", func(context.Context, upstream.Request) error { panic("oops") }, upstream.Out},
		{"our own limit", of(upstream.Error{Class: upstream.Overloaded}), upstream.OnTrial},
		{"it does not like the request", of(upstream.Error{Status: 400}), upstream.OnTrial},
	}
	for _, test := range tests {
		for wait, kind := range map[time.Duration]string{10 * time.Second: "half-open", time.Second: "last resort"} {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u, s := opened(t, 1)
					time.Sleep(wait)
					s.takes = time.Minute
					s.will(test.late)
					caught(t, lastResort(u))
					wantAsked(t, s, 1)
					if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != test.want {
						t.Errorf("the source is %v, want %v", got, test.want)
					}
					s.takes = 0
					s.works()
					if test.want == upstream.Out {
						if left := refusedFor(t, u); left != 10*time.Second {
							t.Errorf("to be left alone for %v", left)
						}
					} else if err := ask(t.Context(), t, u, modKey); err != nil {
						t.Errorf("the next one: %v", err)
					}
				})
			})
		}
	}
}

// A last resort that fails late, but before OpenFor is over, postpones nothing.
func TestLateLastResortDoesNotPostpone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		s.takes = 5 * time.Second
		time.Sleep(time.Second)
		askTimes(t, lastResort(u), 1)
		wantAsked(t, s, 1)
		if left := refusedFor(t, u); left != 4*time.Second {
			t.Errorf("to be left alone for %v", left)
		}
	})
}

// What comes after another trial has closed the circuit is a call like any other.
func TestLateFailureAfterTheCircuitClosed(t *testing.T) {
	for _, threshold := range []uint32{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			s := down("proxy")
			u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: threshold})(s)
			askTimes(t, u, int(threshold))
			time.Sleep(10 * time.Second)
			s.will(course{first: time.Minute, err: &upstream.Error{Source: "proxy"}}.answer)
			go ask(t.Context(), t, u, modKey)
			time.Sleep(time.Second)
			s.works()
			askTimes(t, u, 1)
			time.Sleep(time.Minute)
			if open := isOpen(t, u); open != (threshold == 1) {
				t.Errorf("open at %d failures: %v", threshold, open)
			}
		})
	}
}

// A source that is back but takes longer than LastResort is found to be,
// however many ask.
func TestLateSuccessUnderLoad(t *testing.T) {
	for _, takes := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			u, s := opened(t, 1)
			time.Sleep(10 * time.Second)
			s.works()
			s.takes = takes
			for range 1000 {
				go ask(t.Context(), t, u, modKey)
				time.Sleep(10 * time.Millisecond)
			}
			if got := upstream.HealthOf(u, upstream.SmallFiles).State; got != upstream.Working {
				t.Errorf("answers take %v: after 10 s the source is %v", takes, got)
			}
			time.Sleep(takes)
		})
	}
}
