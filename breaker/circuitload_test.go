package breaker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// surge makes n callers ask u at once, each the given number of times in a row,
// and returns how many requests were refused by an open circuit.
func surge(t *testing.T, u upstream.Upstream, n, times int) int64 {
	var refused atomic.Int64
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			for range times {
				if errors.Is(ask(t.Context(), t, u, modKey), breaker.ErrOpen) {
					refused.Add(1)
				}
			}
		})
	}
	callers.Wait()
	return refused.Load()
}

// However many ask, a source that is down gets the requests that were under way
// when its circuit opened, and later one probe at a time.
func TestCircuitUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers, times = 100, 50
		s := down("proxy")
		s.takes = time.Millisecond
		u := breaker.Circuit(nil)(s)
		refused := surge(t, u, callers, times)
		asked := s.asked.Load()
		// Up to 4 callers have failed and come again before the fifth failure.
		if asked < callers || asked > callers+4 || asked+refused != callers*times {
			t.Errorf("asked %d times, refused %d times, of %d", asked, refused, callers*times)
		}

		time.Sleep(10 * time.Second)
		surge(t, u, callers, 1)
		wantAsked(t, s, asked+1)

		time.Sleep(10 * time.Second)
		s.works()
		askTimes(t, u, 1)
		if refused := surge(t, u, callers, times); refused != 0 {
			t.Errorf("%d requests were refused after the source recovered", refused)
		}
		wantAsked(t, s, asked+2+callers*times)
	})
}

// caught asks u and returns what the source panicked with.
func caught(t *testing.T, u upstream.Upstream) (what any) {
	defer func() { what = recover() }()
	ask(t.Context(), t, u, modKey)
	return nil
}

// A panic is the caller's to see, a failure, and leaves the circuit in order.
func TestCircuitSurvivesPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy"}
		panics := func(context.Context, upstream.Request) error { panic("oops") }
		s.answer = panics
		u := breaker.Circuit(nil)(s)
		for range 5 {
			if what := caught(t, u); what != "oops" {
				t.Fatalf("caught %v", what)
			}
		}
		if !isOpen(t, u) {
			t.Error("closed after 5 panics")
		}

		time.Sleep(10 * time.Second)
		if what := caught(t, u); what != "oops" {
			t.Errorf("caught %v of a probe", what)
		}
		if !isOpen(t, u) {
			t.Error("closed after a probe that panicked")
		}
		time.Sleep(10 * time.Second)
		s.works()
		askTimes(t, u, 3)
		wantAsked(t, s, 5+1+3)
	})
}
