package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// An answer whose first byte took SlowAnswer or longer is a failure, though its
// caller has it. What comes after the first byte takes as long as it takes. By
// default an answer is never too slow, and it never is for Silence.
func TestCircuitSlowAnswer(t *testing.T) {
	const sec = time.Second
	notFound := &upstream.Error{Class: upstream.NotFound, Source: "proxy"}
	bound := breaker.CircuitOptions{SlowAnswer: 10 * sec}
	tests := []struct {
		name   string
		opts   breaker.CircuitOptions
		course course
		want   verdict
	}{
		{"no bound by default", breaker.CircuitOptions{}, course{first: time.Hour}, success},
		{"negative", breaker.CircuitOptions{SlowAnswer: -1}, course{first: time.Hour}, success},
		{"no answer is silence", breaker.CircuitOptions{Silence: sec}, course{first: time.Hour}, success},

		{"fast", bound, course{first: sec}, success},
		{"just within the bound", bound, course{first: 10*sec - 1}, success},
		{"the bound", bound, course{first: 10 * sec}, failure},
		{"far beyond", bound, course{first: time.Hour}, failure},
		{"long body", bound, course{first: sec, body: time.Hour}, success},
		{"slow body that nobody outpaced", bound, course{first: sec, slow: true, body: time.Hour}, success},
		{"a source that does not report its first byte", bound, course{silent: true, first: sec, body: 9 * sec}, failure},
		{"nor takes long", bound, course{silent: true, first: sec, body: 8 * sec}, success},
		{"our own queue", bound, course{queued: time.Hour, first: sec}, success},
		{"slow after our own queue", bound, course{queued: sec, first: 10 * sec}, failure},
		{"absence is an answer that may take time to find", bound, course{first: time.Hour, err: notFound}, success},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := test.course.judge(t, test.opts); got != test.want {
					t.Errorf("counts as %s, want %s", got, test.want)
				}
			})
		})
	}
}
