package breaker_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// One try may take TryTimeout to the first byte; then comes the next.
func TestRetryTryTimeout(t *testing.T) {
	const sec = time.Second
	tests := []struct {
		name   string
		course course
		opts   breaker.RetryOptions
		asked  int64
		class  upstream.Class
		took   time.Duration
	}{
		{"in time", course{first: sec}, breaker.RetryOptions{TryTimeout: 2 * sec}, 1, answered, sec},
		{"a body may take longer", course{first: sec, body: time.Hour}, breaker.RetryOptions{TryTimeout: 2 * sec}, 1, answered, sec + time.Hour},
		{"silent", course{first: time.Hour}, breaker.RetryOptions{TryTimeout: 2 * sec, Tries: 3, FirstWait: -1}, 3, upstream.Timeout, 6 * sec},
		{"silent at the only try", course{first: time.Hour}, breaker.RetryOptions{TryTimeout: 2 * sec, Tries: 1}, 1, upstream.Timeout, 2 * sec},
		{"no bound", course{first: time.Hour}, breaker.RetryOptions{TryTimeout: -1}, 1, answered, time.Hour},
		{"no bound by default", course{first: time.Hour}, breaker.RetryOptions{}, 1, answered, time.Hour},
		{"its failure is its own", course{first: sec, err: &upstream.Error{Class: upstream.Denied, Source: "proxy"}},
			breaker.RetryOptions{TryTimeout: 2 * sec}, 1, upstream.Denied, sec},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy", answer: test.course.answer}
				start := time.Now()
				err := ask(t.Context(), t, breaker.Retry(&test.opts)(s), modKey)
				wantAsked(t, s, test.asked)
				if class := classOf(err); class != test.class || time.Since(start) != test.took {
					t.Errorf("%v after %v, want %v after %v: %v", class, time.Since(start), test.class, test.took, err)
				}
			})
		})
	}
}

const answered = upstream.Class(100) // not a class of errors

func classOf(err error) upstream.Class {
	if err == nil {
		return answered
	}
	return upstream.ClassOf(err)
}

// The silent source's circuit counts that as a failure, though it never had the
// time to be silent for Silence.
func TestRetryTryTimeoutBlames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: time.Hour}
		circuit := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 2})(s)
		u := breaker.Retry(&breaker.RetryOptions{TryTimeout: time.Second, Tries: 2})(circuit)
		if err := ask(t.Context(), t, u, modKey); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if !isOpen(t, circuit) {
			t.Error("a source that kept silent for two tries is not blamed")
		}
	})
}

// A caller that goes away is not taken for a try that took too long.
func TestRetryTryTimeoutAndDeparture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := ask(ctx, t, breaker.Retry(&breaker.RetryOptions{TryTimeout: time.Minute})(s), modKey)
		if upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("error is %v", err)
		}
		wantAsked(t, s, 1)
	})
}

// A call that failed is over, and so is its context.
func TestRetryTryTimeoutEndsAFailedCall(t *testing.T) {
	var call context.Context
	s := &source{name: "proxy", answer: func(ctx context.Context, _ upstream.Request) error {
		call = ctx
		return &upstream.Error{Class: upstream.NotFound}
	}}
	ask(t.Context(), t, breaker.Retry(&breaker.RetryOptions{TryTimeout: time.Hour})(s), modKey)
	if call.Err() == nil {
		t.Error("its context goes on")
	}
}

// whole is a body that is complete, and so needs its call no longer.
type whole struct{ *strings.Reader }

func (whole) Close() error { return nil }

// A call lasts until its answer has been read: a stream's until it is closed.
func TestRetryTryTimeoutEndsTheCall(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{
		"complete": whole{strings.NewReader("body")},
		"stream":   io.NopCloser(io.MultiReader(strings.NewReader("body"))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var call context.Context
				source := upstream.Func(func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
					call = ctx
					return &upstream.Response{Body: body}, nil
				})
				resp, err := breaker.Retry(&breaker.RetryOptions{TryTimeout: time.Second})(source).Fetch(t.Context(), request(t, modKey))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if ended := call.Err() != nil; ended == (name == "stream") {
					t.Errorf("before the body is closed: %v", call.Err())
				}
				if data, err := io.ReadAll(resp.Body); string(data) != "body" || err != nil {
					t.Errorf("read %q, %v", data, err)
				}
				resp.Body.Close()
				if call.Err() == nil {
					t.Error("the call goes on after its body was closed")
				}
				if _, ok := resp.Body.(io.Seeker); ok != (name == "complete") {
					t.Errorf("body is a Seeker: %v", ok)
				}
			})
		})
	}
}
