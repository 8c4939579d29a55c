package breaker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// In a long outage retries are a fifth of the requests, beside the burst and one
// each second, and no less than that share is used.
func TestRetryLoadInAnOutage(t *testing.T) {
	for _, perSecond := range []int{1, 20, 200} {
		synctest.Test(t, func(t *testing.T) {
			const seconds = 60
			s := down("proxy")
			u := breaker.Retry(nil)(s)
			start := time.Now()
			var callers sync.WaitGroup
			for range seconds * perSecond {
				callers.Go(func() { ask(t.Context(), t, u, modKey) })
				time.Sleep(time.Second / time.Duration(perSecond))
			}
			callers.Wait()
			requests := int64(seconds * perSecond)
			extra := s.asked.Load() - requests
			share := requests/5 + 32 + int64(time.Since(start)/time.Second) + 1
			if wished := 5 * requests; extra > share || extra < min(share, wished)*9/10 {
				t.Errorf("%d requests a second: %d retries of %d requests, want %d", perSecond, extra, requests, share)
			}
		})
	}
}

// A request for which there is no budget goes on waiting: it is tried again once
// there is, and given up with that reason if there never is.
func TestRetryWithoutBudget(t *testing.T) {
	tests := []struct {
		name   string
		budget *upstream.Budget
		tries  int
		reason breaker.Reason
	}{
		{"nothing", new(upstream.Budget), 1, breaker.OutOfBudget},
		{"one token", upstream.NewBudget(0, 1, 0), 2, breaker.OutOfBudget},
		{"enough", upstream.NewBudget(0, 6, 0), 7, breaker.OutOfTries},
		{"the share of this very request", upstream.NewBudget(1, 1, 0), 2, breaker.OutOfBudget},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := clock(down("proxy"))
				var events []breaker.RetryEvent
				err := ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{
					Budget: test.budget, OnRetry: func(_ context.Context, e breaker.RetryEvent) { events = append(events, e) },
				})(s), modKey)
				wantGaveUp(t, &upstream.Error{Request: request(t, modKey), Source: "proxy"}, test.tries, test.reason, err)
				wantAsked(t, s.source, int64(test.tries))
				var waits []time.Duration
				for _, e := range events[:len(events)-1] {
					waits = append(waits, e.Wait)
				}
				const ms = time.Millisecond
				wantWaits(t, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3000 * ms}, waits)
				if got := events[len(events)-1].Try; got != test.tries {
					t.Errorf("the last event is of try %d, want %d", got, test.tries)
				}
			})
		})
	}
}

func TestRetryGetsBudgetWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &source{name: "proxy"}
		s.answer = func(_ context.Context, req upstream.Request) error {
			if time.Since(start) < 100*time.Millisecond {
				return &upstream.Error{Request: req, Source: "proxy"}
			}
			return nil
		}
		budget := upstream.NewBudget(0, 1, 1)
		budget.Take()
		if err := ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{Budget: budget})(s), modKey); err != nil {
			t.Error(err)
		}
		wantAsked(t, s, 2)
		if waited := time.Since(start); waited < time.Second {
			t.Errorf("tried again after %v, before there was budget", waited)
		}
	})
}

// Tokens are spent on tries that came to nothing at a source, and on no others.
func TestRetryRefunds(t *testing.T) {
	tests := []struct {
		name  string
		u     func() upstream.Upstream
		spent int
	}{
		{"success at first", func() upstream.Upstream { return failing(0) }, 0},
		{"success at the second try", func() upstream.Upstream { return failing(1) }, 0},
		{"at the fourth", func() upstream.Upstream { return failing(3) }, 2},
		{"never", func() upstream.Upstream { return failing(100) }, 6},
		{"absence at the second try", func() upstream.Upstream {
			s := failing(1)
			answer := s.answer
			s.answer = func(ctx context.Context, req upstream.Request) error {
				if err := answer(ctx, req); err != nil {
					return err
				}
				return &upstream.Error{Class: upstream.NotFound, Request: req, Source: "proxy"}
			}
			return s
		}, 0},
		{"absence that nobody can confirm", func() upstream.Upstream {
			behind := &source{name: "behind"}
			behind.fails(upstream.Error{Class: upstream.NotFound})
			return upstream.Mirrors(behind, failing(100))
		}, 6},
		{"circuits that stay open", func() upstream.Upstream {
			u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: time.Minute, OpenFor: time.Hour})(down("proxy"))
			u.Fetch(context.Background(), upstream.Request{})
			return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				resp, err := u.Fetch(ctx, req)
				if e := upstream.AsError(err, req, ""); e != nil {
					e.RetryAfter = 0
				}
				return resp, err
			})
		}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := upstream.NewBudget(0, 10, 0)
				ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{Budget: budget})(test.u()), modKey)
				left := 0
				for budget.Take() {
					left++
				}
				if diff := cmp.Diff(test.spent, 10-left); diff != "" {
					t.Errorf("tokens spent (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// failing returns a source that fails so many times and then works.
func failing(times int64) *source {
	s := &source{name: "proxy"}
	s.answer = func(_ context.Context, req upstream.Request) error {
		if s.asked.Load() <= times {
			return &upstream.Error{Request: req, Source: "proxy"}
		}
		return nil
	}
	return s
}
