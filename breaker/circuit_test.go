package breaker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// play asks u once for each letter of the script; s succeeds on "S", fails on
// "F", and does what says nothing of it on "n". It reports whether the circuit
// is open at the end.
func play(t *testing.T, u upstream.Upstream, s *source, script string) (open bool) {
	t.Helper()
	for _, step := range script {
		switch step {
		case 'S':
			s.works()
		case 'F':
			s.fails(upstream.Error{})
		case 'n':
			s.fails(upstream.Error{Class: upstream.Overloaded})
		}
		ask(t.Context(), t, u, modKey)
	}
	before := s.asked.Load()
	s.fails(upstream.Error{Class: upstream.Canceled})
	open = errors.Is(ask(t.Context(), t, u, modKey), breaker.ErrOpen)
	if asked := s.asked.Load() > before; asked == open {
		t.Errorf("open: %v, and the source was asked: %v", open, asked)
	}
	return open
}

func TestCircuitOpens(t *testing.T) {
	const never = 1000
	rate := &breaker.CircuitOptions{ConsecutiveFailures: never, FailureRate: 0.5}
	tests := []struct {
		name   string
		opts   *breaker.CircuitOptions
		script string
		open   bool
	}{
		{"four failures", nil, "FFFF", false},
		{"five failures", nil, "FFFFF", true},
		{"zero options are the defaults", &breaker.CircuitOptions{}, "FFFF", false},
		{"and open at five", &breaker.CircuitOptions{}, "FFFFF", true},
		{"not in a row", nil, "FFFFSFFFF", false},
		{"in a row after a success", nil, "FSFFFFF", true},
		{"what says nothing breaks no row", nil, "FFnFFnF", true},
		{"what says nothing is no failure", nil, "FFFFnnnn", false},
		{"one failure is enough if asked for", &breaker.CircuitOptions{ConsecutiveFailures: 1}, "SSF", true},

		{"less than seven tenths", &breaker.CircuitOptions{ConsecutiveFailures: never}, strings.Repeat("SFF", 7), false},
		{"seven tenths of 20", &breaker.CircuitOptions{ConsecutiveFailures: never}, "SSSSSS" + strings.Repeat("F", 14), true},
		{"seven tenths of 19", &breaker.CircuitOptions{ConsecutiveFailures: never}, "SSSSS" + strings.Repeat("F", 14), false},
		{"half of 19", rate, strings.Repeat("SF", 9) + "F", false},
		{"half of 20", rate, strings.Repeat("SF", 10), true},
		{"less than half of 21", rate, strings.Repeat("SSF", 7), false},
		{"what says nothing is no volume", rate, strings.Repeat("n", 20) + strings.Repeat("SF", 9), false},
		{"what says nothing does not dilute", rate, strings.Repeat("SFn", 10), true},
		{"own rate and volume", &breaker.CircuitOptions{FailureRate: 0.25, MinRequests: 8}, "SSSSSSFF", true},
		{"own rate not met", &breaker.CircuitOptions{FailureRate: 0.25, MinRequests: 8}, "SSSSSSSF", false},
		{"rate above 1", &breaker.CircuitOptions{ConsecutiveFailures: never, FailureRate: 1.1}, strings.Repeat("F", 100), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy"}
				u := breaker.Circuit(test.opts)(s)
				if open := play(t, u, s, test.script); open != test.open {
					t.Errorf("after %s the circuit is open: %v, want %v", test.script, open, test.open)
				}
			})
		})
	}
}

// What happened longer ago than Window is no part of the rate. The window
// rolls: it does not start anew at fixed times, which a burst could straddle.
func TestCircuitWindow(t *testing.T) {
	tests := []struct {
		name   string
		first  time.Duration // when the first half of the failures happens
		second time.Duration // and the second
		open   bool
	}{
		{"at once", 0, 0, true},
		{"within the window", 0, 8 * time.Second, true},
		{"forgotten", 0, 11 * time.Second, false},
		{"across the first window's end", 9 * time.Second, 11 * time.Second, true},
		{"forgotten later", 9 * time.Second, 20 * time.Second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy"}
				u := breaker.Circuit(&breaker.CircuitOptions{
					ConsecutiveFailures: 1000, FailureRate: 0.5, MinRequests: 8, Window: 10 * time.Second,
				})(s)
				time.Sleep(test.first)
				play(t, u, s, "FSFS")
				time.Sleep(test.second - test.first)
				if open := play(t, u, s, "SFSF"); open != test.open {
					t.Errorf("open: %v, want %v", open, test.open)
				}
			})
		})
	}
}

// By default the window is of half a minute.
func TestCircuitDefaultWindow(t *testing.T) {
	for wait, want := range map[time.Duration]bool{26 * time.Second: true, 31 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{name: "proxy"}
			u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1000})(s)
			play(t, u, s, strings.Repeat("F", 19))
			time.Sleep(wait)
			if open := play(t, u, s, "F"); open != want {
				t.Errorf("after %v: open: %v, want %v", wait, open, want)
			}
		})
	}
}

// Window is about the rate. Failures in a row count however far apart they
// are, and however long each took to fail: a source that accepts connections
// and never answers fails more slowly than any sensible window.
func TestCircuitCountsSlowFailures(t *testing.T) {
	tests := []struct {
		name        string
		takes, rest time.Duration
	}{
		{"seldom asked", 0, 10 * time.Minute},
		{"within the window", 2 * time.Second, 0},
		{"several to a window", 10 * time.Second, 0},
		{"as long as the window", 30 * time.Second, 0},
		{"longer than the window", 40 * time.Second, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := down("proxy")
				s.takes = test.takes
				u := breaker.Circuit(nil)(s)
				for range 5 {
					time.Sleep(test.rest)
					ask(t.Context(), t, u, modKey)
				}
				if err := ask(t.Context(), t, u, modKey); !errors.Is(err, breaker.ErrOpen) {
					t.Errorf("closed after 5 failures in a row: %v", err)
				}
				wantAsked(t, s, 5)
			})
		})
	}
}

// A request that was under way when the circuit opened says nothing of the
// source as it is later.
func TestCircuitIgnoresLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: 15 * time.Second}
		u := breaker.Circuit(nil)(s)
		go ask(t.Context(), t, u, modKey)
		synctest.Wait()
		s.takes = 0
		s.fails(upstream.Error{})
		askTimes(t, u, 5)

		time.Sleep(10 * time.Second)
		askTimes(t, u, 1) // the probe fails
		s.works()
		time.Sleep(5 * time.Second) // the late answer is a success
		if err := ask(t.Context(), t, u, modKey); !errors.Is(err, breaker.ErrOpen) {
			t.Errorf("a late answer closed the circuit: %v", err)
		}
		wantAsked(t, s, 1+5+1)
	})
}

func TestOpenCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Circuit(nil)(s)
		askTimes(t, u, 5)
		opened := time.Now()

		for _, left := range []time.Duration{10 * time.Second, 7 * time.Second, time.Second} {
			time.Sleep(time.Until(opened.Add(10*time.Second - left)))
			start := time.Now()
			err := ask(t.Context(), t, u, modKey)
			wantError(t, &upstream.Error{
				Class: upstream.Unavailable, Request: request(t, modKey), Source: "proxy",
				Err: breaker.ErrOpen, RetryAfter: left,
			}, err)
			if !errors.Is(err, breaker.ErrOpen) || time.Since(start) != 0 {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		wantAsked(t, s, 5)
	})
}
