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

// openError is ErrOpen that also says what the last failure was.
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
// call that took SlowCall or longer to the first byte of what was asked for, or
// that another source outpaced before that or because its body was slow (see
// [upstream.Hedge]). Time in our own queue is nobody's fault. While
// the circuit is open, Fetch fails at once, of class Unavailable, with [ErrOpen]
// as the cause and RetryAfter saying when the source will be asked again.
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
	call, progress := upstream.WithProgress(ctx)
	var resp *upstream.Response
	err := error(errRefused)
	defer l.tell()
	l.breaker.Execute(func() (struct{}, error) {
		if resp, err = c.ask(call, req, l); err != nil {
			err = upstream.AsError(err, req, c.name)
		}
		return struct{}{}, l.verdict(ctx, progress, err)
	})
	if err == errRefused {
		return nil, l.refusal(ctx, req)
	}
	return resp, err
}

// ask asks the source. While it is on trial, it has SlowCall for the first byte:
// the others who might ask it wait for the outcome.
func (c *circuit) ask(ctx context.Context, req upstream.Request, l *lane) (*upstream.Response, error) {
	if !l.tripped.Load() || l.opts.SlowCall <= 0 {
		return c.next.Fetch(ctx, req)
	}
	resp, err, late := fetchWithin(ctx, c.next, req, l.opts.SlowCall, errTrial)
	if late {
		return nil, &upstream.Error{Class: upstream.Timeout, Request: req, Source: c.name, Err: errTrial}
	}
	return resp, err
}

var errTrial = errors.New("it was out, and when it was tried again it was silent for too long")

// errRefused stands for a call that the breaker did not make.
var errRefused = errors.New("refused")

// Strike opens the circuit for requests of kind k, for those who find out that
// an answer which was let through was a lie. Failures are counted because they
// may pass; a lie is not a matter of luck.
func (c *circuit) Strike(k upstream.Kind, err error) {
	l := &c.lanes[k.Lane()]
	defer l.tell()
	l.struck.Store(true)
	l.breaker.Execute(func() (struct{}, error) {
		return struct{}{}, &upstream.Error{Class: upstream.Untrusted, Source: c.name, Err: err}
	})
	l.struck.Store(false) // if it was open already, that is no reason to open again
}

// refusal is the error for a request that was not let through.
func (l *lane) refusal(ctx context.Context, req upstream.Request) *upstream.Error {
	wait := time.Until(l.reopensFor(ctx))
	e := &upstream.Error{Request: req, Source: l.source, Err: ErrOpen, RetryAfter: max(0, wait)}
	if last := l.last.Load(); last != nil {
		reason := *last
		reason.Source, reason.RetryAfter = "", 0 // which stand around this reason already
		e.Err = &openError{reason.Reason()}
	}
	return e
}
