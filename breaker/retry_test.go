package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// Asking again helps where a source could not give an answer this time.
func TestRetryWhereItHelps(t *testing.T) {
	of := func(class upstream.Class) error { return &upstream.Error{Class: class, Source: "proxy"} }
	status := func(code int) error { return &upstream.Error{Source: "proxy", Status: code} }
	tests := []struct {
		name string
		err  error
		ctx  func(context.Context) context.Context
		want int64 // how often the source is asked
	}{
		{name: "answer", want: 1},
		{name: "unavailable", err: of(upstream.Unavailable), want: tries},
		{name: "timeout", err: of(upstream.Timeout), want: tries},
		{name: "error of another type", err: io.ErrUnexpectedEOF, want: tries},
		{name: "deadline that is not the caller's", err: context.DeadlineExceeded, want: tries},
		{name: "wrapped", err: fmt.Errorf("outer: %w", of(upstream.Unavailable)), want: tries},

		{name: "status 503", err: status(503), want: tries},
		{name: "too slow a request", err: status(408), want: tries},
		{name: "too early", err: status(425), want: tries},
		{name: "too many requests", err: status(429), want: tries},

		{name: "not found", err: of(upstream.NotFound), want: 1},
		{name: "denied", err: of(upstream.Denied), want: 1},
		{name: "untrusted", err: of(upstream.Untrusted), want: 1},
		{name: "does not like the request", err: status(400), want: 1},
		{name: "nor its length", err: status(414), want: 1},
		{name: "overloaded", err: of(upstream.Overloaded), want: 1},
		{name: "canceled", err: of(upstream.Canceled), want: 1},
		{name: "names no source", err: &upstream.Error{Err: errors.New("disk full")}, want: 1},
		{name: "offline", err: of(upstream.Unavailable), ctx: upstream.WithOffline, want: 1},
		{name: "departed", err: of(upstream.Unavailable), ctx: departed, want: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy", answer: func(context.Context, upstream.Request) error { return test.err }}
				ctx := t.Context()
				if test.ctx != nil {
					ctx = test.ctx(ctx)
				}
				start := time.Now()
				err := ask(ctx, t, breaker.Retry(nil)(s), modKey)
				if classOf(err) != classOf(test.err) {
					t.Errorf("error is %v, want %v", err, test.err)
				}
				wantAsked(t, s, test.want)
				if waited := time.Since(start); test.want == 1 && waited != 0 {
					t.Errorf("waited %v in vain", waited)
				}
			})
		})
	}
}

func departed(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

// tries is the default of RetryOptions.Tries.
const tries = 7

func TestRetrySucceeds(t *testing.T) {
	for failures := range int64(tries + 1) {
		synctest.Test(t, func(t *testing.T) {
			s := &source{name: "proxy"}
			s.answer = func(_ context.Context, req upstream.Request) error {
				if s.asked.Load() <= failures {
					return &upstream.Error{Request: req, Source: "proxy"}
				}
				return nil
			}
			err := ask(t.Context(), t, breaker.Retry(nil)(s), modKey)
			if recovered := failures < tries; recovered != (err == nil) {
				t.Errorf("after %d failures: %v", failures, err)
			}
			wantAsked(t, s, min(tries, failures+1))
		})
	}
}

// The last error is the one that is returned: it is the news. An answer is not
// said to be given up on, however many tries it took.
func TestRetryReturnsTheLastError(t *testing.T) {
	tests := []struct {
		name string
		last upstream.Error
	}{
		{"absence", upstream.Error{Class: upstream.NotFound}},
		{"denial", upstream.Error{Class: upstream.Denied}},
		{"a lie", upstream.Error{Class: upstream.Untrusted}},
		{"it does not like the request", upstream.Error{Status: 400}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{name: "proxy"}
				s.fails(upstream.Error{Class: upstream.Timeout})
				time.AfterFunc(time.Nanosecond, func() { s.fails(test.last) })
				err := ask(t.Context(), t, breaker.Retry(nil)(s), modKey)
				want := test.last
				want.Request, want.Source = request(t, modKey), "proxy"
				wantError(t, &want, err)
				wantAsked(t, s, 2)
			})
		})
	}
}

// In a group it is enough that one source may do better, whatever error the
// group makes of them all.
func TestRetryGroups(t *testing.T) {
	var (
		out     = upstream.Error{}
		no      = upstream.Error{Class: upstream.NotFound}
		denied  = upstream.Error{Class: upstream.Denied}
		lies    = upstream.Error{Class: upstream.Untrusted}
		dislike = upstream.Error{Status: 400}
	)
	comma := func(a, b upstream.Upstream) upstream.Upstream {
		return upstream.Fallback(upstream.Step{Upstream: a}, upstream.Step{Upstream: b})
	}
	mirrors := func(a, b upstream.Upstream) upstream.Upstream { return upstream.Mirrors(a, b) }
	tests := []struct {
		name  string
		group func(a, b upstream.Upstream) upstream.Upstream
		a, b  upstream.Error
		wantA int64
		wantB int64
	}{
		{"absence that all agree on", mirrors, no, no, 1, 1},
		{"absence that a mirror could not confirm", mirrors, no, out, tries, tries},
		{"and the other way around", mirrors, out, no, tries, tries},
		{"all mirrors down", mirrors, out, out, tries, tries},
		{"a mirror that lies, one that is down", mirrors, lies, out, tries, tries},
		{"mirrors that lie", mirrors, lies, lies, 1, 1},
		{"mirrors that deny", mirrors, denied, no, 1, 1},
		{"mirrors that do not like the request", mirrors, dislike, no, 1, 1},
		{"a mirror that does not like it, one that is down", mirrors, dislike, out, tries, tries},
		{"a list ends at its first outage", comma, out, no, tries, 0},
		{"a list that goes on to an outage", comma, no, out, tries, tries},
		{"a list ends at one that does not like it", comma, dislike, out, 1, 0},
		{"a list that has it nowhere", comma, no, no, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &source{name: "a"}, &source{name: "b"}
				a.fails(test.a)
				b.fails(test.b)
				if err := ask(t.Context(), t, breaker.Retry(nil)(test.group(a, b)), modKey); err == nil {
					t.Error("no error")
				}
				wantAsked(t, a, test.wantA)
				wantAsked(t, b, test.wantB)
			})
		})
	}
}

// The first pass tries every source without waiting.
func TestRetryFirstPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := down("a"), &source{name: "b"}
		start := time.Now()
		if err := ask(t.Context(), t, breaker.Retry(nil)(upstream.Mirrors(a, b)), modKey); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v though the second mirror has it", waited)
		}
		wantAsked(t, a, 1)
		wantAsked(t, b, 1)
	})
}

// Each request has waits and tries of its own.
func TestRetryManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 100
		s := down("proxy")
		u := breaker.Retry(&breaker.RetryOptions{Budget: unlimited})(s)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { ask(t.Context(), t, u, modKey) })
		}
		all.Wait()
		wantAsked(t, s, tries*callers)
	})
}

// unlimited is a budget for what is not about budgets.
var unlimited = upstream.NewBudget(1000, 1_000_000, 0)
