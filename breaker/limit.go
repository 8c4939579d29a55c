package breaker

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// LimitOptions says how many calls a source may have under way at once. A nil
// *LimitOptions and zero fields mean the defaults; negative numbers mean no
// bound.
type LimitOptions struct {
	// SmallFiles, Zips and SumDBs are the limits of the lanes. Defaults: 64, 16
	// and 32. The lanes do not take each other's places.
	SmallFiles, Zips, SumDBs int

	// Queue is how many more calls may wait for their turn, in each lane.
	// Default: 1024; negative: none waits.
	Queue int

	// MaxWait is how long a call waits for its turn. Default: 20 s; negative:
	// until its caller goes.
	MaxWait time.Duration

	// Adaptive lets the limits move between 4 and the above by what the source
	// does: up by one in a round of successes while the limit is in use, down to
	// seven tenths, at most once a second, when it is unavailable or does not
	// answer in time (additive increase, multiplicative decrease: Chiu and Jain,
	// 1989). Default: they stay.
	Adaptive bool
}

func (o *LimitOptions) withDefaults() LimitOptions {
	var opts LimitOptions
	if o != nil {
		opts = *o
	}
	opts.SmallFiles = cmp.Or(opts.SmallFiles, 64)
	opts.Zips = cmp.Or(opts.Zips, 16)
	opts.SumDBs = cmp.Or(opts.SumDBs, 32)
	opts.Queue = cmp.Or(opts.Queue, 1024)
	opts.MaxWait = cmp.Or(opts.MaxWait, 20*time.Second)
	return opts
}

// ErrBusy is the cause of an error, of class Overloaded, for which a source was
// not asked because of the limit on calls to it.
var ErrBusy = errors.New("not asked: as many calls as allowed are under way")

// Limit returns middleware that bounds how many calls to a source are under way
// at once, each until its body is closed, and has others wait for their turn:
// those that somebody waits for before those in the background
// ([upstream.WithPriority]), else first come, first served. So one slow source
// cannot take everything there is to have, and no source is overrun.
//
// A call that may not wait, or not any longer, is refused with [ErrBusy] and a
// RetryAfter. The middleware belongs directly around the source, inside what
// takes in the body, so that a place is not held while something else is waited
// for.
func Limit(opts *LimitOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		l := &limit{next: next, opts: o}
		for i, most := range [upstream.Lanes]int{o.SmallFiles, o.Zips, o.SumDBs} {
			l.lanes[i] = newTurnstile(most, o)
		}
		return l
	}
}

type limit struct {
	next  upstream.Upstream
	opts  LimitOptions
	lanes [upstream.Lanes]*turnstile
}

func (l *limit) Unwrap() upstream.Upstream { return l.next }

func (l *limit) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	lane := l.lanes[req.Kind().Lane()]
	if lane.limit < 0 {
		return l.next.Fetch(ctx, req)
	}
	if upstream.Offline(ctx) {
		return l.next.Fetch(ctx, req) // which makes no call
	}
	if err := lane.enter(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, upstream.ContextError(ctx, req, upstream.Name(l.next))
		}
		return nil, &upstream.Error{
			Class: upstream.Overloaded, Request: req, Source: upstream.Name(l.next), Err: err, RetryAfter: time.Second,
		}
	}
	place := &place{lane: lane}
	defer place.leaveIfUnused()
	resp, err := l.next.Fetch(ctx, req)
	place.outcome(ctx, err)
	if err != nil || resp == nil || resp.Body == nil {
		return resp, err
	}
	out := *resp
	out.Body = &limitedBody{ReadCloser: resp.Body, ctx: ctx, place: place}
	place.used = true
	return &out, nil
}

// A place is one of those that a limit allows.
type place struct {
	lane *turnstile
	used bool // by a body
	once sync.Once
}

func (p *place) leave() { p.once.Do(p.lane.leave) }

func (p *place) leaveIfUnused() {
	if !p.used {
		p.leave()
	}
}

// outcome tells an adaptive limit how the source fares.
func (p *place) outcome(ctx context.Context, err error) {
	class := upstream.ClassOf(err)
	switch {
	case err == nil, class == upstream.NotFound:
		p.lane.fared(true)
	case ctx.Err() == nil && (class == upstream.Unavailable || class == upstream.Timeout):
		p.lane.fared(false)
	}
}

// limitedBody gives up its place when it is closed.
type limitedBody struct {
	io.ReadCloser
	ctx   context.Context
	place *place
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.place.outcome(b.ctx, err)
	}
	return n, err
}

func (b *limitedBody) Close() error {
	defer b.place.leave()
	return b.ReadCloser.Close()
}
