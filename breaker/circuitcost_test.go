package breaker_test

import (
	"cmp"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// A refusal asks nobody and makes no garbage to speak of: the error and its
// text. A call that is let through costs little beside its Progress.
func TestCircuitAllocations(t *testing.T) {
	req := request(t, modKey)
	tests := []struct {
		name   string
		source *source
		most   float64
	}{
		{"refused", down("proxy"), 8},
		{"let through", &source{name: "proxy"}, 9},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: time.Hour})(test.source)
			u.Fetch(t.Context(), req)
			asked := test.source.asked.Load()
			got := testing.AllocsPerRun(100, func() {
				if resp, err := u.Fetch(t.Context(), req); err == nil {
					resp.Body.Close()
				}
			})
			t.Logf("%v allocations", got)
			if got > test.most {
				t.Errorf("%v allocations, want %v at most", got, test.most)
			}
			if test.name == "refused" {
				wantAsked(t, test.source, asked)
			}
		})
	}
}

// Whoever waits as long as a refusal says gets through, and nobody who waits
// less does, however the circuit came to be open.
func TestRefusalsAreTruthful(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name  string
		opts  breaker.CircuitOptions
		fails upstream.Error
		after time.Duration // from when it opened to the refusal
		last  bool          // as a last resort
	}{
		{"at once", breaker.CircuitOptions{}, upstream.Error{}, 0, false},
		{"later", breaker.CircuitOptions{}, upstream.Error{}, 7 * sec, false},
		{"at the last moment", breaker.CircuitOptions{}, upstream.Error{}, 10*sec - 1, false},
		{"a last resort", breaker.CircuitOptions{}, upstream.Error{}, 0, true},
		{"a last resort later", breaker.CircuitOptions{}, upstream.Error{}, 300 * time.Millisecond, true},
		{"without last resorts", breaker.CircuitOptions{LastResort: -1}, upstream.Error{}, sec, true},
		{"held off", breaker.CircuitOptions{}, upstream.Error{Status: 429, RetryAfter: 25 * sec}, 3 * sec, false},
		{"a last resort held off", breaker.CircuitOptions{}, upstream.Error{Status: 429, RetryAfter: 25 * sec}, 3 * sec, true},
		{"held off for less than a last resort", breaker.CircuitOptions{LastResort: 5 * sec}, upstream.Error{Status: 429, RetryAfter: 2 * sec}, 0, false},
		{"held off for less, without last resorts", breaker.CircuitOptions{LastResort: -1}, upstream.Error{Status: 429, RetryAfter: 2 * sec}, 0, false},
		{"held off for longer than OpenFor, without last resorts", breaker.CircuitOptions{LastResort: -1}, upstream.Error{Status: 429, RetryAfter: 25 * sec}, 0, true},
	}
	for _, test := range tests {
		for _, early := range []time.Duration{0, 1} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &source{name: "proxy"}
					s.fails(test.fails)
					test.opts.ConsecutiveFailures = 1
					test.opts.LastResort = cmp.Or(test.opts.LastResort, time.Second)
					u := breaker.Circuit(&test.opts)(s)
					askTimes(t, u, 1)
					if test.last {
						u = lastResort(u)
					}
					s.works()
					time.Sleep(test.after)
					wait := refusedFor(t, u)
					time.Sleep(wait - early)
					err := ask(t.Context(), t, u, modKey)
					if refused := errors.Is(err, breaker.ErrOpen); refused != (early > 0) {
						t.Errorf("after %v of %v: %v", wait-early, wait, err)
					}
				})
			})
		}
	}
}
