package breaker

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// RetryOptions bounds asking again. A nil *RetryOptions and zero fields mean
// the defaults.
type RetryOptions struct {
	// Tries is how often a request is made, the first time included; 1 means
	// that nothing is tried again. Default: 7, which is 3 s of waiting at the least,
	// and 6 s on the average: the restart of a proxy is not noticed.
	Tries int

	// FirstWait is about how long the first wait is; each further one is twice
	// as long, up to MaxWait. Each is drawn from half to one and a half times
	// that, so that callers that failed together do not return together.
	// Default: 100 ms, up to 3 s; negative: no wait.
	FirstWait time.Duration
	MaxWait   time.Duration

	// MaxElapsed bounds the time after which a further try is begun.
	// Default: 20 s; negative: no bound.
	MaxElapsed time.Duration

	// TryTimeout bounds how long one try may take to the first byte of an
	// answer, all its sources together. Default: no bound but the sources' own;
	// negative: the same.
	TryTimeout time.Duration

	// MaxRetryAfter is the longest Retry-After that is waited for. A source
	// that asks for more is no reason to try again. Default: 5 s; negative: none is
	// waited for.
	MaxRetryAfter time.Duration

	// Budget keeps retries to a share of the requests, so that they do not
	// bury a source that is in trouble. A retry that brings an answer costs
	// nothing, be it that there is no such thing, nor does one that open circuits
	// refuse.
	// Default: a budget of the middleware's own, of a fifth of all requests
	// beside a burst of 32 and one each second.
	Budget *upstream.Budget

	// OnRetry is called before each wait and when a request is given up, by the
	// goroutine of the call, with the call's context, which may have ended. Default:
	// nobody is told.
	OnRetry func(context.Context, RetryEvent)
}

func (o *RetryOptions) withDefaults() RetryOptions {
	var opts RetryOptions
	if o != nil {
		opts = *o
	}
	opts.Tries = cmp.Or(opts.Tries, 7)
	opts.FirstWait = cmp.Or(opts.FirstWait, 100*time.Millisecond)
	opts.MaxWait = cmp.Or(opts.MaxWait, 3*time.Second)
	opts.MaxElapsed = cmp.Or(opts.MaxElapsed, 20*time.Second)
	opts.MaxRetryAfter = cmp.Or(opts.MaxRetryAfter, 5*time.Second)
	if opts.Budget == nil {
		opts.Budget = upstream.NewBudget(0.2, 32, 1)
	}
	return opts
}

// A RetryEvent says what becomes of a request that has failed.
type RetryEvent struct {
	Request upstream.Request // that failed
	Try     int              // which has failed, from 1; the same again if there was no budget for another
	Reason  Reason           // Again, or why there is no further try
	Wait    time.Duration    // before the next try
	Err     error            // the failure
}

// A Reason is why a request is tried again or is not.
type Reason uint8

const (
	Again       Reason = iota // it is tried again
	Pointless                 // each source gave an answer, or nobody could be asked
	TooLong                   // the sources want to be left alone for longer than MaxRetryAfter
	OutOfTries                // Tries is met
	OutOfTime                 // MaxElapsed would be exceeded
	OutOfBudget               // the Budget is empty
	Departed                  // the caller has gone
	Impatient                 // the caller has something else to fall back on
)

// String returns the reason in words.
func (r Reason) String() string {
	names := [...]string{
		"it is tried again", "another try would not help", "the sources ask for more time",
		"that is the limit", "there was no time for more", "too many requests are failing for more",
		"the caller has gone", "there is an older answer",
	}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("Reason(%d)", r)
}

// A GaveUpError is the cause in the error of a request that was tried more than
// once, or only once because the budget was empty.
type GaveUpError struct {
	Tries  int    // that were made
	Reason Reason // why there was no further one
	Err    error  // the last failure's own cause; nil if it had none
}

// Error says how often it was tried, why not more often, and the last cause.
func (e *GaveUpError) Error() string {
	tries := "tries"
	if e.Tries == 1 {
		tries = "try"
	}
	text := fmt.Sprintf("given up after %d %s (%v)", e.Tries, tries, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the last cause.
func (e *GaveUpError) Unwrap() error { return e.Err }
