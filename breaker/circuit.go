package breaker

import (
	"context"
	"errors"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// ErrOpen is the cause of an error for which a source was not asked, because
// its circuit is open.
var ErrOpen = errors.New("not asked: its circuit is open")

// openError is ErrOpen that also says of what kind the last failure was, and no
// more: it may have been another caller's, of whose modules this one must not learn.
type openError struct{ last string }

func (e *openError) Error() string { return ErrOpen.Error() + ", the last failure: " + e.last }
func (e *openError) Unwrap() error { return ErrOpen }

// Circuit returns middleware that watches one source and stops asking it while
// it fails. Each [upstream.Lane] has a circuit of its own.
//
// "Not found" and "denied" are answers of a source that works. A status that says
// that the source did not like the request, such as 400, a caller that
// went away early or is offline, our own limits, and errors that name no source
// are neither success nor failure. Everything else is a failure, and so is a
// call that took SlowAnswer or longer to the first byte of what was asked for,
// that was silent for Silence until its caller left, or that another source
// outpaced before the first byte or because its body was slow (see
// [upstream.Hedge]). Time in our own queue is nobody's fault. While
// the circuit is open, Fetch fails at once, of class Unavailable, with [ErrOpen]
// as the cause and RetryAfter saying when the source will be asked again. Of the last
// failure it tells the class and the status; the whole of it is in [CircuitChange].
//
// The result is an [upstream.HealthReporter]. It has a method
// Strike(upstream.Kind, error), which opens the circuit at once, for a lie that
// was found out later.
func Circuit(opts *CircuitOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		c := &circuit{next: next, name: upstream.Name(next)}
		for i := range c.lanes {
			c.lanes[i].init(c.name, upstream.Lane(i), o)
		}
		return c
	}
}

type circuit struct {
	next  upstream.Upstream
	name  string
	lanes [upstream.Lanes]lane
}

func (c *circuit) Unwrap() upstream.Upstream { return c.next }

// Health is the method of [upstream.HealthReporter].
func (c *circuit) Health(l upstream.Lane) upstream.Health { return c.lanes[l].health() }

func (c *circuit) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	l := &c.lanes[req.Kind().Lane()]
	if !l.admits(ctx) {
		return nil, l.refusal(ctx, req)
	}
	done, err := l.breaker.Load().Allow()
	if err != nil {
		return nil, l.refusal(ctx, req)
	}
	defer l.tell()
	trial := l.begin(done)
	verdict := error(errPanicked)
	defer func() { trial.end(verdict) }()
	call, progress := upstream.WithProgress(ctx)
	resp, err := c.next.Fetch(call, req)
	if err != nil {
		err = upstream.AsError(err, req, c.name)
	}
	verdict = l.verdict(ctx, progress, err)
	return resp, err
}

var errPanicked = errors.New("it panicked")

// Strike opens the circuit for requests of kind k, for those who find out that
// an answer which was let through was a lie. Failures are counted because they
// may pass; a lie is not a matter of luck.
func (c *circuit) Strike(k upstream.Kind, err error) {
	l := &c.lanes[k.Lane()]
	defer l.tell()
	l.struck.Store(true)
	l.blows.Add(1)
	if done, refused := l.breaker.Load().Allow(); refused == nil {
		done(&upstream.Error{Class: upstream.Untrusted, Source: c.name, Err: err})
	}
	l.struck.Store(false) // if it was open already, that is no reason to open again
}

// refusal is the error for a request that was not let through.
func (l *lane) refusal(ctx context.Context, req upstream.Request) *upstream.Error {
	wait := time.Until(l.reopensFor(ctx))
	e := &upstream.Error{Request: req, Source: l.source, Err: ErrOpen, RetryAfter: max(0, wait)}
	if last := l.last.Load(); last != nil {
		kind := upstream.Error{Class: last.Class, Status: last.Status}
		e.Err = &openError{kind.Reason()}
	}
	return e
}
