package breaker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// clocked is a source that notes when it was asked, counted from its making.
type clocked struct {
	*source
	start time.Time
	at    []time.Duration
}

func clock(s *source) *clocked { return &clocked{source: s, start: time.Now()} }

func (c *clocked) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	c.at = append(c.at, time.Since(c.start))
	return c.source.Fetch(ctx, req)
}

// waits returns how long it was between each time that c was asked and the next.
func (c *clocked) waits() []time.Duration {
	var waits []time.Duration
	for i := range len(c.at) - 1 {
		waits = append(waits, c.at[i+1]-c.at[i])
	}
	return waits
}

// wantWaits checks that each wait is within half of its step.
func wantWaits(t *testing.T, steps, waits []time.Duration) {
	t.Helper()
	if len(waits) != len(steps) {
		t.Fatalf("waited %v, want %d waits", waits, len(steps))
	}
	for i, step := range steps {
		if waits[i] < step/2 || waits[i] > step*3/2 {
			t.Errorf("wait %d was %v, want %v to %v", i+1, waits[i], step/2, step*3/2)
		}
	}
}

func TestRetryWaits(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		opts  *breaker.RetryOptions
		steps []time.Duration
	}{
		{"defaults", nil, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3000 * ms}},
		{"zero options", &breaker.RetryOptions{}, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3000 * ms}},
		{"one try", &breaker.RetryOptions{Tries: 1}, nil},
		{"two tries", &breaker.RetryOptions{Tries: 2}, []time.Duration{100 * ms}},
		{"up to the default MaxWait", &breaker.RetryOptions{Tries: 8, MaxElapsed: -1},
			[]time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3000 * ms, 3000 * ms}},
		{"own waits", &breaker.RetryOptions{Tries: 5, FirstWait: 10 * ms, MaxWait: 30 * ms},
			[]time.Duration{10 * ms, 20 * ms, 30 * ms, 30 * ms}},
		{"no waits", &breaker.RetryOptions{Tries: 4, FirstWait: -1}, []time.Duration{0, 0, 0}},
		{"no waits at all", &breaker.RetryOptions{Tries: 4, FirstWait: -1, MaxWait: -1}, []time.Duration{0, 0, 0}},
		{"negative tries", &breaker.RetryOptions{Tries: -1}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range 50 { // waits are drawn by chance
				synctest.Test(t, func(t *testing.T) {
					s := clock(down("proxy"))
					err := ask(t.Context(), t, breaker.Retry(test.opts)(s), modKey)
					want := &upstream.Error{Request: request(t, modKey), Source: "proxy"}
					if test.steps == nil {
						wantError(t, want, err)
					} else {
						wantGaveUp(t, want, len(test.steps)+1, breaker.OutOfTries, err)
					}
					if s.at[0] != 0 {
						t.Errorf("waited %v before the first try", s.at[0])
					}
					wantWaits(t, test.steps, s.waits())
					if rest := time.Since(s.start) - s.at[len(s.at)-1]; rest != 0 {
						t.Errorf("waited %v after the last try", rest)
					}
				})
			}
		})
	}
}

// Callers that failed together do not come back together.
func TestRetryJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		for range 400 {
			s := clock(down("proxy"))
			ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{Tries: 2, FirstWait: time.Second})(s), modKey)
			waits = append(waits, s.waits()...)
		}
		slices.Sort(waits)
		if first, last := waits[0], waits[len(waits)-1]; first > 700*time.Millisecond || last < 1300*time.Millisecond {
			t.Errorf("waits are spread over %v to %v only", first, last)
		}
		if distinct := len(slices.Compact(waits)); distinct < 300 {
			t.Errorf("%d different waits of 400", distinct)
		}
	})
}

func TestRetryMaxElapsed(t *testing.T) {
	tests := []struct {
		name   string
		opts   breaker.RetryOptions
		takes  time.Duration
		after  time.Duration // Retry-After
		bound  time.Duration // no try begins later
		least  int           // tries
		reason breaker.Reason
	}{
		{"default", breaker.RetryOptions{Tries: 1000}, 0, 0, 20 * time.Second, 5, breaker.OutOfTime},
		{"own", breaker.RetryOptions{Tries: 1000, MaxElapsed: 2 * time.Second}, 0, 0, 2 * time.Second, 3, breaker.OutOfTime},
		{"the tries' own time counts", breaker.RetryOptions{Tries: 1000}, 15 * time.Second, 0, 20 * time.Second, 2, breaker.OutOfTime},
		{"Retry-After is no exception", breaker.RetryOptions{Tries: 1000}, 0, 4 * time.Second, 20 * time.Second, 5, breaker.OutOfTime},
		{"nor on the first wait", breaker.RetryOptions{MaxElapsed: time.Second}, 0, 4 * time.Second, 0, 1, breaker.OutOfTime},
		{"no bound", breaker.RetryOptions{Tries: 100, MaxElapsed: -1, Budget: unlimited}, 0, 0, time.Hour, 100, breaker.OutOfTries},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := clock(down("proxy"))
				s.takes = test.takes
				s.fails(upstream.Error{RetryAfter: test.after})
				err := ask(t.Context(), t, breaker.Retry(&test.opts)(s), modKey)
				want := &upstream.Error{Request: request(t, modKey), Source: "proxy", RetryAfter: test.after}
				if len(s.at) == 1 {
					wantError(t, want, err)
				} else {
					wantGaveUp(t, want, len(s.at), test.reason, err)
				}
				if last := s.at[len(s.at)-1]; last > test.bound || len(s.at) < test.least {
					t.Errorf("%d tries, the last after %v; want %d or more, until %v", len(s.at), last, test.least, test.bound)
				}
				if waited := time.Since(s.start); waited != s.at[len(s.at)-1]+test.takes {
					t.Errorf("returned after %v, after tries at %v", waited, s.at)
				}
			})
		})
	}
}

// A caller that goes away while waiting gets what the sources said last, at once.
func TestRetryEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		u := breaker.Retry(&breaker.RetryOptions{FirstWait: time.Minute, MaxWait: time.Minute, MaxElapsed: -1})(s)
		err := ask(ctx, t, u, modKey)
		wantError(t, &upstream.Error{Request: request(t, modKey), Source: "proxy"}, err)
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("returned after %v", waited)
		}
		wantAsked(t, s, 1)
	})
}

// A caller that goes away during a try is not kept waiting for another.
func TestRetryEndsWithTheCallerInATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := clock(&source{name: "proxy", takes: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		err := ask(ctx, t, breaker.Retry(nil)(s), modKey)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		if diff := cmp.Diff([]time.Duration{0}, s.at); diff != "" || time.Since(s.start) != 3*time.Second {
			t.Errorf("returned after %v; asked (-want +got):\n%s", time.Since(s.start), diff)
		}
	})
}
