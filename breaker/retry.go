package breaker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/cenkalti/backoff/v4"
)

// Retry returns middleware that makes a failed request again after a jittered,
// exponentially growing wait, or after what the source asked for with
// Retry-After if that is longer. It belongs around a list or group of sources.
//
// It asks again only where that can help: some source was unavailable or met a
// bound on time. It does not where every source gave an answer ("not found",
// "denied", that it did not like the request, bytes that did not match), nor offline, nor after failures that no
// source is to blame for. When the bounds are met, the last error is returned,
// with a [*GaveUpError] as its cause if there was more than one try, or would
// have been but for the budget.
//
// All tries but the first are last resorts, for which an open circuit may let
// one through before its time. If the first comes to nothing because circuits
// are open, a last resort follows without a wait. Where one source gives an answer, if only that
// there is no such thing, and the others are out, that is all: what does not
// exist must not take as long as an outage while a mirror is dead.
func Retry(opts *RetryOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		return &retry{next, o}
	}
}

type impatientKey struct{}

// WithoutWaiting returns a context whose calls are not tried again after a wait,
// for callers that have an older answer to fall back on.
func WithoutWaiting(ctx context.Context) context.Context {
	return context.WithValue(ctx, impatientKey{}, true)
}

type retry struct {
	next upstream.Upstream
	opts RetryOptions
}

func (r *retry) Unwrap() upstream.Upstream { return r.next }

func (r *retry) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	r.opts.Budget.Ordinary()
	pace := r.opts.newPace()
	resp, err := r.try(ctx, req)
	last := upstream.WithLastResort(ctx)
	if err != nil && restIsOut(err) && ctx.Err() == nil {
		settled := isAnswered(err)
		resp, err = r.try(last, req)
		pace.last = true
		if err != nil && settled && isAnswered(err) {
			r.tell(ctx, RetryEvent{Request: req, Try: 1, Reason: Pointless, Err: err})
			return nil, err
		}
	}
	var seen error // the latest failure of a source that was asked
	for round, tries := 1, 1; err != nil; round++ {
		if !nobodyAsked(err) {
			seen = err
		}
		wait, reason := r.decide(ctx, pace, round, err)
		r.tell(ctx, RetryEvent{Request: req, Try: tries, Reason: reason, Wait: wait, Err: err})
		if reason != Again {
			return nil, giveUp(telling(err, seen), tries, reason)
		}
		if pace.short {
			wait = max(wait, minWait) // or it would spin until there is a token
		}
		if !sleep(ctx, wait) {
			continue // decide finds that the caller has gone
		}
		if pace.short = !r.opts.Budget.Take(); pace.short {
			continue // perhaps there is a token after the next wait
		}
		tries++
		pace.last = true
		if resp, err = r.try(last, req); isAnswer(err) || nobodyAsked(err) {
			r.opts.Budget.Refund()
		}
	}
	return resp, nil
}

// decide returns how long to wait before trying again, or why not to. A round
// is a try, or a wait after which there was no budget for one.
func (r *retry) decide(ctx context.Context, pace *pace, round int, err error) (time.Duration, Reason) {
	if ctx.Err() != nil {
		return 0, Departed
	}
	if upstream.Offline(ctx) {
		return 0, Pointless
	}
	after, reason := r.helpfulAfter(err, pace.last)
	if reason != Again {
		return 0, reason
	}
	if round >= r.opts.Tries {
		if pace.short {
			return 0, OutOfBudget
		}
		return 0, OutOfTries
	}
	if ctx.Value(impatientKey{}) != nil {
		return 0, Impatient
	}
	pace.after = after
	wait := pace.NextBackOff()
	if wait == backoff.Stop {
		return 0, OutOfTime
	}
	return wait, Again
}

// helpfulAfter returns how long to wait at the least until asking again may
// help. What an open circuit said of that counts only if it was to a last
// resort, for that is what the next try will be.
func (r *retry) helpfulAfter(err error, last bool) (time.Duration, Reason) {
	soonest, reason := time.Duration(-1), Pointless
	for _, a := range attemptsOf(err) {
		if !mayRecover(a) {
			continue
		}
		after := a.RetryAfter
		if !last && errors.Is(a, ErrOpen) {
			after = 0
		}
		if after > max(0, r.opts.MaxRetryAfter) {
			if reason == Pointless {
				reason = TooLong
			}
			continue
		}
		reason = Again
		if soonest < 0 || after < soonest {
			soonest = after
		}
	}
	return soonest, reason
}

func attemptsOf(err error) []*upstream.Error {
	e := upstream.AsError(err, upstream.Request{}, "a source")
	if len(e.Attempts) == 0 {
		return []*upstream.Error{e}
	}
	return e.Attempts
}

func mayRecover(e *upstream.Error) bool {
	return e.Source != "" && e.MayPass()
}

// isAnswer reports whether a try has brought an answer, be it that there is no
// such thing. Absence that a failing source could not confirm is none.
func isAnswer(err error) bool {
	if err == nil {
		return true
	}
	for _, a := range attemptsOf(err) {
		if a.Class != upstream.NotFound && a.Class != upstream.Denied {
			return false
		}
	}
	return true
}

// isAnswered reports whether some source gave an answer that it would give again.
func isAnswered(err error) bool { return slices.ContainsFunc(attemptsOf(err), isFinal) }

func isFinal(e *upstream.Error) bool {
	switch e.Class {
	case upstream.Overloaded, upstream.Canceled: // it was not asked
		return false
	}
	return !e.MayPass()
}

// restIsOut reports whether circuits are open, and whoever was asked in spite of that
// gave an answer.
func restIsOut(err error) bool {
	open := false
	for _, a := range attemptsOf(err) {
		switch {
		case errors.Is(a, ErrOpen):
			open = true
		case !isFinal(a):
			return false
		}
	}
	return open
}

// nobodyAsked reports whether err comes from open circuits alone.
func nobodyAsked(err error) bool {
	for _, a := range attemptsOf(err) {
		if !errors.Is(a, ErrOpen) {
			return false
		}
	}
	return true
}

// try makes the request once, within TryTimeout to the first byte.
func (r *retry) try(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if r.opts.TryTimeout <= 0 {
		return r.next.Fetch(ctx, req)
	}
	resp, err, late := fetchWithin(ctx, r.next, req, r.opts.TryTimeout, errTryTimeout)
	if late {
		return nil, &upstream.Error{Class: upstream.Timeout, Request: req, Source: "all sources", Err: errTryTimeout}
	}
	return resp, err
}

var errTryTimeout = errors.New("no source had begun to answer within the time for one try")

func (r *retry) tell(ctx context.Context, e RetryEvent) {
	if r.opts.OnRetry != nil {
		r.opts.OnRetry(ctx, e)
	}
}

// telling returns the error to give up with. That a circuit has opened meanwhile says
// less than the failure that was seen before; what it says is when to come back.
func telling(err, seen error) error {
	if seen == nil || !nobodyAsked(err) {
		return err
	}
	e := *upstream.AsError(seen, upstream.Request{}, "a source")
	e.RetryAfter = max(e.RetryAfter, upstream.AsError(err, upstream.Request{}, "a source").RetryAfter)
	return &e
}

// giveUp adds to an error how often it was tried in vain.
func giveUp(err error, tries int, reason Reason) error {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok || e == nil || tries == 1 && reason != OutOfBudget || !e.MayPass() {
		return err // the last is for one who gave an answer: it was not for its sake
	}
	out := *e
	out.Err = &GaveUpError{Tries: tries, Reason: reason, Err: e.Err}
	out.Attempts = slices.Clone(e.Attempts)
	for i, a := range out.Attempts {
		if a.Reason() == e.Reason() { // it is the one that speaks for all: it must not say it twice
			own := out
			own.Attempts = nil
			out.Attempts[i] = &own
			break
		}
	}
	return &out
}
