package breaker

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/sony/gobreaker/v2"
)

// CircuitOptions says when a circuit opens and for how long. A nil
// *CircuitOptions and zero fields mean the defaults.
type CircuitOptions struct {
	// ConsecutiveFailures opens the circuit after so many failures in a row,
	// however far apart. Default: 5.
	ConsecutiveFailures uint32

	// FailureRate opens the circuit when this part of the requests in Window
	// failed, once there were MinRequests of them. Default: 0.5, and 20 requests.
	// A rate above 1 is never reached.
	FailureRate float64
	MinRequests uint32

	// Window is how far back FailureRate looks. Default: 30 s.
	Window time.Duration

	// OpenFor is how long nobody is let through once the circuit is open. Then
	// it is half-open: probes are let through, and decide. Default: 10 s.
	OpenFor time.Duration

	// Probes is how many requests a half-open circuit lets through at once, and
	// how many must succeed in a row to close it. Default: 1.
	Probes uint32
}

func (o *CircuitOptions) withDefaults() CircuitOptions {
	var opts CircuitOptions
	if o != nil {
		opts = *o
	}
	opts.ConsecutiveFailures = cmp.Or(opts.ConsecutiveFailures, 5)
	opts.FailureRate = cmp.Or(opts.FailureRate, 0.5)
	opts.MinRequests = cmp.Or(opts.MinRequests, 20)
	opts.Window = cmp.Or(opts.Window, 30*time.Second)
	opts.OpenFor = cmp.Or(opts.OpenFor, 10*time.Second)
	opts.Probes = cmp.Or(opts.Probes, 1)
	return opts
}

// buckets is the resolution of the rolling window.
const buckets = 10

// ErrOpen is the cause of an error for which a source was not asked, because
// its circuit is open.
var ErrOpen = errors.New("not asked: its circuit is open after repeated failures")

// openError is ErrOpen that also says what the failures were.
type openError struct{ last string }

func (e *openError) Error() string { return ErrOpen.Error() + ", the last: " + e.last }
func (e *openError) Unwrap() error { return ErrOpen }

// Circuit returns middleware that watches one source and stops asking it while
// it fails. Small files, zips and checksum-database traffic have a circuit each:
// a source that cannot deliver zips may still be good for go.mod files.
//
// "Not found" and "denied" are answers of a source that works. A caller that
// went away or is offline, our own limits, and errors that name no source are
// neither success nor failure. Everything else is a failure. While the circuit
// is open, Fetch fails at once, of class Unavailable, with [ErrOpen] as the
// cause and RetryAfter saying when the source will be asked again.
//
// The result has a method Strike(upstream.Kind, error), which opens the circuit
// at once, for a lie that was found out later.
func Circuit(opts *CircuitOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		c := &circuit{next: next, name: upstream.Name(next)}
		for i := range c.lanes {
			c.lanes[i].init(c.name, o)
		}
		return c
	}
}

type circuit struct {
	next  upstream.Upstream
	name  string
	lanes [3]lane
}

// A lane is the circuit for one class of requests.
type lane struct {
	breaker *gobreaker.CircuitBreaker[*upstream.Response]
	reopen  atomic.Int64 // when the circuit was opened last, it is half-open from then: Unix nanoseconds

	// failures in a row. The breaker's own count forgets with the window, and
	// never learns of a request that took longer: a source that hangs would
	// never open its circuit. Guarded by the breaker's lock.
	failures uint32

	last   atomic.Pointer[upstream.Error] // failure
	struck atomic.Bool                    // the next failure opens the circuit
}

func (l *lane) init(name string, o CircuitOptions) {
	l.breaker = gobreaker.NewCircuitBreaker[*upstream.Response](gobreaker.Settings{
		Name:         name,
		MaxRequests:  o.Probes,
		Interval:     o.Window,
		BucketPeriod: o.Window / buckets,
		// It is half-open only after this time: who waited for RetryAfter and
		// not a tick longer must not come too early.
		Timeout:    max(1, o.OpenFor-1),
		IsExcluded: isExcluded,
		// These are called with the breaker's lock held: only stores.
		IsSuccessful: func(err error) bool {
			if isSuccess(err) {
				l.failures = 0
				return true
			}
			l.failures++
			if e, ok := errors.AsType[*upstream.Error](err); ok {
				l.last.Store(e)
			}
			return false
		},
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return l.struck.Swap(false) || l.failures >= o.ConsecutiveFailures || o.rateReached(c)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				l.reopen.Store(time.Now().Add(o.OpenFor).UnixNano())
			}
		},
	})
}

func (o CircuitOptions) rateReached(c gobreaker.Counts) bool {
	counted := c.Requests - c.TotalExclusions
	return counted >= o.MinRequests && float64(c.TotalFailures) >= o.FailureRate*float64(counted)
}

// departed marks the error of a caller that went away: whatever it says, it
// says nothing of the source.
type departed struct{ error }

func isExcluded(err error) bool {
	if _, ok := err.(departed); ok || errors.Is(err, upstream.ErrOffline) {
		return true
	}
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && (e.Source == "" || e.Class == upstream.Canceled || e.Class == upstream.Overloaded)
}

func isSuccess(err error) bool {
	if err == nil {
		return true
	}
	class := upstream.ClassOf(err)
	return class == upstream.NotFound || class == upstream.Denied
}

func (c *circuit) Unwrap() upstream.Upstream { return c.next }

func (c *circuit) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	l := &c.lanes[laneOf(req.Kind())]
	resp, err := l.breaker.Execute(func() (*upstream.Response, error) {
		resp, err := c.next.Fetch(ctx, req)
		if err == nil {
			return resp, nil
		}
		err = upstream.AsError(err, req, c.name)
		if ctx.Err() != nil {
			err = departed{err}
		}
		return nil, err
	})
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return nil, l.refusal(req, c.name)
	}
	if d, ok := err.(departed); ok {
		err = d.error
	}
	return nil, err
}

// Strike opens the circuit for requests of kind k, for those who find out that
// an answer which was let through was a lie. Failures are counted because they
// may pass; a lie is not a matter of luck.
func (c *circuit) Strike(k upstream.Kind, err error) {
	l := &c.lanes[laneOf(k)]
	l.struck.Store(true)
	l.breaker.Execute(func() (*upstream.Response, error) {
		return nil, &upstream.Error{Class: upstream.Untrusted, Source: c.name, Err: err}
	})
}

// refusal is the error for a request that was not let through.
func (l *lane) refusal(req upstream.Request, name string) *upstream.Error {
	wait := time.Until(time.Unix(0, l.reopen.Load()))
	e := &upstream.Error{Request: req, Source: name, Err: ErrOpen, RetryAfter: max(0, wait)}
	if last := l.last.Load(); last != nil {
		reason := *last
		reason.Source = "" // it stands before this reason already
		e.Err = &openError{reason.Reason()}
	}
	return e
}

func laneOf(k upstream.Kind) int {
	switch {
	case k.SumDB():
		return 2
	case k == upstream.Zip:
		return 1
	}
	return 0
}
