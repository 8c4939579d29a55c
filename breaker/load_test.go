package breaker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// loads returns the load of each lane.
func loads(t *testing.T, u upstream.Upstream) (all [upstream.Lanes]breaker.Load) {
	t.Helper()
	for lane := range all {
		load, ok := breaker.LoadOf(u, upstream.Lane(lane))
		if !ok {
			t.Fatal("there is no limit")
		}
		all[lane] = load
	}
	return all
}

// Who is under way, until the body is closed, and who waits is told of each lane.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{takes: time.Second}
		limited := breaker.Limit(&breaker.LimitOptions{SmallFiles: 3, Zips: 2, SumDBs: -7, MaxWait: -1})(g)
		u := upstream.Chain(limited, breaker.Circuit(nil), upstream.Meter())
		wantLoads := func(when string, small, zips breaker.Load) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff([upstream.Lanes]breaker.Load{small, zips, {Limit: -1}}, loads(t, u)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		wantLoads("at first", breaker.Load{Limit: 3}, breaker.Load{Limit: 2})
		small := fill(t, u, modKey, 5, time.Second)
		zips := fill(t, u, zipKey, 1, time.Second)
		sums := fill(t, u, "sumdb/sum.example/latest", 4, time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		go ask(ctx, t, u, modKey)
		wantLoads("when they are asked", breaker.Load{Inside: 3, Waiting: 3, Limit: 3}, breaker.Load{Inside: 1, Limit: 2})
		cancel()
		wantLoads("when one has gone", breaker.Load{Inside: 3, Waiting: 2, Limit: 3}, breaker.Load{Inside: 1, Limit: 2})
		time.Sleep(1500 * time.Millisecond)
		wantLoads("when bodies are read", breaker.Load{Inside: 3, Waiting: 2, Limit: 3}, breaker.Load{Inside: 1, Limit: 2})
		time.Sleep(time.Second)
		wantLoads("when they are closed", breaker.Load{Inside: 2, Limit: 3}, breaker.Load{Limit: 2})
		small.Wait()
		zips.Wait()
		sums.Wait()
		wantLoads("at last", breaker.Load{Limit: 3}, breaker.Load{Limit: 2})
	})
}

// Of an adaptive limit, what it is now is told, be it less than what is under way.
func TestLoadOfAdaptiveLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: time.Second}
		u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 10, Adaptive: true})(s)
		callers := fill(t, u, modKey, 9, 0)
		synctest.Wait()
		s.takes = 0
		s.fails(upstream.Error{})
		askTimes(t, u, 1)
		want := breaker.Load{Inside: 9, Limit: 7}
		if diff := cmp.Diff(want, loads(t, u)[upstream.SmallFiles]); diff != "" {
			t.Errorf("load (-want +got):\n%s", diff)
		}
		callers.Wait()
	})
}

func TestLoadWithoutLimit(t *testing.T) {
	u := upstream.Chain(&source{name: "proxy"}, breaker.Circuit(nil), upstream.Meter())
	if load, ok := breaker.LoadOf(u, upstream.Zips); ok {
		t.Errorf("load %+v", load)
	}
}
