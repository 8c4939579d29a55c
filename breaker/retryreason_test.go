package breaker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// told is what matters of a RetryEvent here.
type told struct {
	Try    int
	Reason breaker.Reason
	Waits  bool
}

// Each failed try is told with what becomes of it, and the last with why there
// is no other. No event is about an answer.
func TestRetryEvents(t *testing.T) {
	const again = breaker.Again
	of := func(e upstream.Error) *source {
		s := &source{name: "proxy"}
		s.fails(e)
		return s
	}
	plain := func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }
	tests := []struct {
		name   string
		opts   breaker.RetryOptions
		source *source
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		want   []told
	}{
		{"answer", breaker.RetryOptions{}, failing(0), plain, nil},
		{"answer at the second try", breaker.RetryOptions{}, failing(1), plain, []told{{1, again, true}}},
		{"no answer", breaker.RetryOptions{Tries: 2}, failing(9), plain, []told{{1, again, true}, {2, breaker.OutOfTries, false}}},
		{"absence", breaker.RetryOptions{}, of(upstream.Error{Class: upstream.NotFound}), plain, []told{{1, breaker.Pointless, false}}},
		{"it does not like the request", breaker.RetryOptions{}, of(upstream.Error{Status: 400}), plain, []told{{1, breaker.Pointless, false}}},
		{"too long", breaker.RetryOptions{}, of(upstream.Error{RetryAfter: time.Hour}), plain, []told{{1, breaker.TooLong, false}}},
		{"no time", breaker.RetryOptions{MaxElapsed: time.Nanosecond}, failing(9), plain, []told{{1, breaker.OutOfTime, false}}},
		{"no budget", breaker.RetryOptions{Tries: 2, Budget: new(upstream.Budget)}, failing(9), plain,
			[]told{{1, again, true}, {1, breaker.OutOfBudget, false}}},
		{"offline", breaker.RetryOptions{}, failing(9), func(ctx context.Context) (context.Context, context.CancelFunc) {
			return upstream.WithOffline(ctx), func() {}
		}, []told{{1, breaker.Pointless, false}}},
		{"impatient", breaker.RetryOptions{}, failing(9), func(ctx context.Context) (context.Context, context.CancelFunc) {
			return breaker.WithoutWaiting(ctx), func() {}
		}, []told{{1, breaker.Impatient, false}}},
		{"departs during a wait", breaker.RetryOptions{FirstWait: time.Minute, MaxElapsed: -1}, failing(9),
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			}, []told{{1, again, true}, {1, breaker.Departed, false}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events []breaker.RetryEvent
				test.opts.OnRetry = func(_ context.Context, e breaker.RetryEvent) { events = append(events, e) }
				ctx, cancel := test.ctx(t.Context())
				defer cancel()
				err := ask(ctx, t, breaker.Retry(&test.opts)(test.source), modKey)
				var got []told
				for _, e := range events {
					got = append(got, told{e.Try, e.Reason, e.Wait > 0})
					if e.Request != request(t, modKey) || e.Err == nil {
						t.Errorf("event %+v", e)
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if gave, ok := errors.AsType[*breaker.GaveUpError](err); ok && gave.Reason != got[len(got)-1].Reason {
					t.Errorf("given up because %v", gave.Reason)
				}
			})
		})
	}
}

type callKey struct{}

// Each event comes with the context of the call that it is about, at every try.
func TestRetryEventsOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []any
		u := breaker.Retry(&breaker.RetryOptions{Tries: 2, OnRetry: func(ctx context.Context, _ breaker.RetryEvent) {
			calls = append(calls, ctx.Value(callKey{}))
			if upstream.LastResort(ctx) {
				t.Error("it is the context of a try, not of the call")
			}
		}})(down("proxy"))
		for _, call := range []string{"first", "second"} {
			ask(context.WithValue(t.Context(), callKey{}, call), t, u, modKey)
		}
		if diff := cmp.Diff([]any{"first", "first", "second", "second"}, calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// Who departs during a wait that follows another try is told both.
func TestRetryDepartsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		s := down("proxy")
		u := breaker.Retry(&breaker.RetryOptions{FirstWait: time.Second, MaxWait: time.Minute, MaxElapsed: -1})(s)
		err := ask(ctx, t, u, modKey)
		wantGaveUp(t, &upstream.Error{Request: request(t, modKey), Source: "proxy"}, int(s.asked.Load()), breaker.Departed, err)
	})
}

// Who departs at the very end of a wait is not asked for any more.
func TestRetryDepartsAtTheLastMoment(t *testing.T) {
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		s := down("proxy")
		u := breaker.Retry(&breaker.RetryOptions{FirstWait: -1, OnRetry: func(context.Context, breaker.RetryEvent) { cancel() }})(s)
		ask(ctx, t, u, modKey)
		wantAsked(t, s, 1)
	}
}

// An impatient caller does not wait, but an open circuit is tried as a last
// resort for it as for any other.
func TestRetryImpatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		time.Sleep(time.Second)
		s.works()
		if err := ask(breaker.WithoutWaiting(t.Context()), t, breaker.Retry(nil)(u), modKey); err != nil {
			t.Error(err)
		}
		wantAsked(t, s, 1)
	})
}

// The text says how often and why, and keeps the last cause.
func TestGaveUpError(t *testing.T) {
	cause := errors.New("connection refused")
	tests := []struct {
		err  breaker.GaveUpError
		want string
	}{
		{breaker.GaveUpError{Tries: 5, Reason: breaker.OutOfTries}, "given up after 5 tries (that is the limit)"},
		{breaker.GaveUpError{Tries: 2, Reason: breaker.OutOfTime, Err: cause},
			"given up after 2 tries (there was no time for more): connection refused"},
		{breaker.GaveUpError{Tries: 1, Reason: breaker.OutOfBudget},
			"given up after 1 try (too many requests are failing for more)"},
		{breaker.GaveUpError{Tries: 2, Reason: 99}, "given up after 2 tries (Reason(99))"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("text is %q, want %q", got, test.want)
		}
		if !errors.Is(&test.err, test.err.Err) && test.err.Err != nil {
			t.Errorf("%v hides its cause", &test.err)
		}
	}
}

// Of several sources each has its line, and the one that speaks for all has one.
func TestGaveUpErrorOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := breaker.Retry(&breaker.RetryOptions{Tries: 2})(upstream.Mirrors(down("a"), down("b"), down("c")))
		want := "a.example/m@v1.0.0 (mod): c: unavailable: given up after 2 tries (that is the limit)\n" +
			"\ta: unavailable\n\tb: unavailable"
		if got := ask(t.Context(), t, u, modKey).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
