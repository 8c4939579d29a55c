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
	"github.com/google/go-cmp/cmp"
)

// So many may wait, and who comes then is refused at once.
func TestLimitQueueIsBounded(t *testing.T) {
	tests := []struct {
		name  string
		queue int
		want  int // wait
	}{
		{"the default", 0, 1024},
		{"own bound", 5, 5},
		{"none waits", -1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy", takes: time.Second}
				u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 2, Queue: test.queue, MaxWait: -1})(s)
				callers := fill(t, u, modKey, 2+test.want, 0)
				synctest.Wait()
				start := time.Now()
				err := ask(t.Context(), t, u, modKey)
				wantError(t, &upstream.Error{
					Class: upstream.Overloaded, Request: request(t, modKey), Source: "proxy",
					Err: breaker.ErrBusy, RetryAfter: time.Second,
				}, err)
				if waited := time.Since(start); waited != 0 || !errors.Is(err, breaker.ErrBusy) {
					t.Errorf("after %v: %v", waited, err)
				}
				callers.Wait()
				wantAsked(t, s, int64(2+test.want))
			})
		})
	}
}

// A turn is waited for for so long.
func TestLimitMaxWait(t *testing.T) {
	tests := []struct {
		name    string
		maxWait time.Duration
		held    time.Duration // the only place
		waits   time.Duration
		class   upstream.Class
	}{
		{"the default", 0, time.Hour, 20 * time.Second, upstream.Overloaded},
		{"in time", 0, 19 * time.Second, 19 * time.Second, answered},
		{"own", time.Second, time.Hour, time.Second, upstream.Overloaded},
		{"no bound", -1, time.Hour, time.Hour, answered},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 1, MaxWait: test.maxWait})(&gauge{})
				callers := fill(t, u, modKey, 1, test.held)
				synctest.Wait()
				start := time.Now()
				err := ask(t.Context(), t, u, modKey)
				if waited := time.Since(start); waited != test.waits || classOf(err) != test.class {
					t.Errorf("after %v: %v; want %v after %v", waited, err, test.class, test.waits)
				}
				if test.class == upstream.Overloaded && !errors.Is(err, breaker.ErrBusy) {
					t.Errorf("error is %v", err)
				}
				callers.Wait()
			})
		})
	}
}

// Who goes while waiting is told so, is not asked for, and leaves no gap.
func TestLimitWaiterDeparts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: 10 * time.Second}
		u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 1})(s)
		go ask(t.Context(), t, u, modKey)
		synctest.Wait()
		why := errors.New("closing time")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		err := ask(ctx, t, u, modKey)
		wantError(t, &upstream.Error{Class: upstream.Timeout, Request: request(t, modKey), Source: "proxy", Err: why}, err)
		if err := ask(t.Context(), t, u, modKey); err != nil {
			t.Errorf("the next one: %v", err)
		}
		wantAsked(t, s, 2)
	})
}

// A place that is given to somebody who goes, or stops waiting, at that very
// moment is not lost.
func TestLimitGivesBackATurn(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			const places = 3
			u := breaker.Limit(&breaker.LimitOptions{SmallFiles: places, MaxWait: time.Second})(&gauge{takes: time.Second})
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%3)*time.Second)
					defer cancel()
					ask(ctx, t, u, modKey)
				})
			}
			all.Wait()
			start := time.Now()
			fill(t, u, modKey, places, 0).Wait()
			if waited := time.Since(start); waited != time.Second {
				t.Errorf("%d calls took %v: places were lost", places, waited)
			}
		})
	}
}

// Those that somebody waits for go first, then first come, first served. What
// counts is the priority when there is a place, not when the wait began.
func TestLimitPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 1})(upstream.Func(
			func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
				order = append(order, ctx.Value(nameKey{}).(string))
				pause(ctx, time.Second)
				return nil, &upstream.Error{}
			}))
		var wanted atomic.Bool
		background := func() upstream.Priority { return upstream.Background }
		raised := func() upstream.Priority {
			if wanted.Load() {
				return upstream.Interactive
			}
			return upstream.Background
		}
		for _, c := range []struct {
			name     string
			priority func() upstream.Priority
		}{
			{"first", background}, // there is room
			{"prefetch 1", background}, {"prefetch 2", background}, {"raised", raised},
			{"user 1", nil}, {"user 2", nil}, {"prefetch 3", background},
		} {
			ctx := context.WithValue(t.Context(), nameKey{}, c.name)
			if c.priority != nil {
				ctx = upstream.WithPriority(ctx, c.priority)
			}
			go ask(ctx, t, u, modKey)
			synctest.Wait()
		}
		time.Sleep(1500 * time.Millisecond)
		wanted.Store(true) // somebody has come to want it
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{"first", "user 1", "raised", "user 2", "prefetch 1", "prefetch 2", "prefetch 3"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

type nameKey struct{}
