package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// errNoVerdict is told to the breaker of a call that says nothing of the source.
var errNoVerdict = errors.New("neither success nor failure")

var errSlowBody = errors.New("its body came so slowly that another source was faster")

// verdict returns what a call with that outcome says of the source: nil for
// success, errNoVerdict, or the failure.
func (l *lane) verdict(ctx context.Context, p *upstream.Progress, err error) error {
	switch {
	case err == nil && l.opts.SlowAnswer > 0 && p.Waited() >= l.opts.SlowAnswer:
		return l.failure(upstream.Timeout, fmt.Errorf("the first byte took %v", p.Waited().Round(time.Millisecond)))
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return l.verdictOnDeparture(ctx, p)
	case errors.Is(err, upstream.ErrOffline):
		return errNoVerdict
	}
	e := upstream.AsError(err, upstream.Request{}, l.source)
	switch e.Class {
	case upstream.NotFound, upstream.Denied:
		return nil
	case upstream.Canceled, upstream.Overloaded:
		return errNoVerdict
	}
	if e.Source == "" || !e.MayPass() && e.Class != upstream.Untrusted {
		return errNoVerdict
	}
	return e
}

// verdictOnDeparture is for a call whose caller has gone. Whatever the call
// returned was said to nobody; what it had done until then counts.
func (l *lane) verdictOnDeparture(ctx context.Context, p *upstream.Progress) error {
	cause := context.Cause(ctx)
	outpaced := errors.Is(cause, upstream.ErrOutpaced) || cause == errTryTimeout || cause == errProbeTimeout
	silent := !p.Begun() && p.Waited() > 0
	switch {
	case outpaced && p.IsSlow():
		return l.failure(upstream.Timeout, errSlowBody)
	case outpaced && silent:
		return l.failure(upstream.Timeout, fmt.Errorf("silent for %v: %w", p.Waited().Round(time.Millisecond), cause))
	case outpaced && p.Begun():
		return nil
	case silent && l.isSilence(p.Waited()):
		return l.failure(upstream.Timeout, fmt.Errorf("silent for %v", p.Waited().Round(time.Millisecond)))
	}
	return errNoVerdict
}

func (l *lane) isSilence(waited time.Duration) bool {
	return l.opts.Silence > 0 && waited >= l.opts.Silence
}

func (l *lane) failure(class upstream.Class, why error) error {
	return &upstream.Error{Class: class, Source: l.source, Err: why}
}
