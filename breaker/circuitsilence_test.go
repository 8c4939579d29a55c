package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// What a caller who went away early has seen until then counts, and no more: a
// source that was silent for Silence failed. An answer that came late is none of
// that, for it did not get to the caller.
func TestCircuitDeparture(t *testing.T) {
	const sec = time.Second
	outpaced := upstream.ErrOutpaced
	never := 100 * time.Hour
	tests := []struct {
		name   string
		bound  time.Duration // Silence
		course course
		want   verdict
	}{
		{"early", 0, course{first: never, leaves: sec}, neither},
		{"just before the default", 0, course{first: never, leaves: 10*sec - 1}, neither},
		{"at the default", 0, course{first: never, leaves: 10 * sec}, failure},
		{"far beyond", 0, course{first: never, leaves: time.Hour}, failure},
		{"own bound met", 2 * sec, course{first: never, leaves: 2 * sec}, failure},
		{"own bound not met", 2 * sec, course{first: never, leaves: 2*sec - 1}, neither},
		{"a source that does not report its first byte", 0, course{silent: true, first: sec, body: never, leaves: 10 * sec}, failure},
		{"no bound", -1, course{first: never, leaves: time.Hour}, neither},
		{"during the body", 0, course{first: sec, body: never, leaves: time.Hour}, neither},
		{"during a body that began late", 0, course{first: 20 * sec, body: never, leaves: time.Hour}, neither},
		{"during a slow body", 0, course{first: sec, slow: true, body: never, leaves: time.Hour}, neither},
		{"in our own queue", 0, course{queued: never, leaves: time.Hour}, neither},
		{"early after our own queue", 0, course{queued: 20 * sec, first: never, leaves: 21 * sec}, neither},
		{"late after our own queue", 0, course{queued: 20 * sec, first: never, leaves: 30 * sec}, failure},

		{"outpaced while silent", 0, course{first: never, leaves: sec, why: outpaced}, failure},
		{"outpaced without a bound", -1, course{first: never, leaves: sec, why: outpaced}, failure},
		{"outpaced during the body", 0, course{first: sec, body: never, leaves: 2 * sec, why: outpaced}, success},
		{"outpaced for its slow body", 0, course{first: sec, slow: true, body: never, leaves: 9 * sec, why: outpaced}, failure},
		{"outpaced in our own queue", 0, course{queued: never, leaves: time.Hour, why: outpaced}, neither},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := test.course.judge(t, breaker.CircuitOptions{Silence: test.bound, SlowAnswer: time.Nanosecond}); got != test.want {
					t.Errorf("counts as %s, want %s", got, test.want)
				}
			})
		})
	}
}
