package breaker_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// A refusal says of what kind the failures were, in one line that names the source
// once. Nothing is in it that the source said, for it may have named another caller's
// module.
func TestRefusalText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy"}
		s.fails(upstream.Error{Status: 502, Err: errors.New("connection reset"), Text: "of private.example/m"})
		u := breaker.Circuit(nil)(s)
		askTimes(t, u, 5)
		want := "a.example/m@v1.0.0 (mod): proxy: unavailable: " +
			"not asked: its circuit is open, " +
			"the last failure: unavailable (status 502) (retry after 10s)"
		if got := ask(t.Context(), t, u, modKey).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// An error of another type gets the request and the source on its way.
func TestCircuitNamesTheSource(t *testing.T) {
	s := &source{name: "proxy", answer: func(context.Context, upstream.Request) error { return io.ErrUnexpectedEOF }}
	err := ask(t.Context(), t, breaker.Circuit(nil)(s), modKey)
	wantError(t, &upstream.Error{Request: request(t, modKey), Source: "proxy", Err: io.ErrUnexpectedEOF}, err)
}

// A slow answer and a silent source are told from other failures by their text.
func TestCircuitSaysWhatWasSlow(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name   string
		course course
		want   string
	}{
		{"slow answer", course{first: 12 * sec}, "proxy: timeout: the first byte took 12s"},
		{"silent", course{first: time.Hour, leaves: 15 * sec}, "proxy: timeout: silent for 15s"},
		{"outpaced", course{first: time.Hour, leaves: sec, why: upstream.ErrOutpaced},
			"proxy: timeout: silent for 1s: another source was faster"},
		{"slow body", course{first: sec, slow: true, body: time.Hour, leaves: 2 * sec, why: upstream.ErrOutpaced},
			"proxy: timeout: its body came so slowly that another source was faster"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reason error
				u := breaker.Circuit(&breaker.CircuitOptions{
					ConsecutiveFailures: 1, SlowAnswer: 10 * sec, OnChange: func(c breaker.CircuitChange) { reason = c.Reason },
				})(&source{name: "proxy", answer: test.course.answer})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.course.leaves > 0 {
					time.AfterFunc(test.course.leaves, func() { cancel(test.course.why) })
				}
				ask(ctx, t, u, modKey)
				if e := upstream.AsError(reason, upstream.Request{}, ""); e == nil || e.Reason() != test.want {
					t.Errorf("the reason is %v, want %s", reason, test.want)
				}
			})
		})
	}
}
