package upstream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrOutpaced is the cause with which a call ends that lost a race: another
// source, asked later, had the answer first.
var ErrOutpaced = errors.New("another source was faster")

// A Progress tells how one call to a source is coming along, long before it
// returns: an Upstream that waits for its turn, or takes in a whole body before
// it returns, reports to the Progress in its context. Each report also goes to
// the Progress that was in the context before, so that everybody who watches
// the call learns of it.
//
// All methods may be called by many goroutines at once, and on nil, where they
// do nothing.
type Progress struct {
	outer *Progress
	wake  chan struct{} // has room for one; nil: nobody listens

	mu     sync.Mutex
	queued bool
	asked  time.Time
	first  time.Time
	slow   bool
}

type progressKey struct{}

// WithProgress returns a context for one call to a source, and the Progress
// that it carries.
func WithProgress(ctx context.Context) (context.Context, *Progress) {
	return withProgress(ctx, nil)
}

// withProgress is WithProgress for one who wants to be woken by reports.
func withProgress(ctx context.Context, wake chan struct{}) (context.Context, *Progress) {
	p := &Progress{outer: ProgressOf(ctx), wake: wake, asked: time.Now()}
	return context.WithValue(ctx, progressKey{}, p), p
}

// ProgressOf returns the Progress to report to; nil if nobody wants to know.
func ProgressOf(ctx context.Context) *Progress {
	p, _ := ctx.Value(progressKey{}).(*Progress)
	return p
}

// Queued reports that the call waits for its turn on our side, so that its
// source is not to blame for the time.
func (p *Progress) Queued() { p.report(func(p *Progress) { p.queued = true }) }

// Asked reports that the source is being asked from now on: for the first time,
// or for what is missing after its answer broke off.
func (p *Progress) Asked() {
	now := time.Now()
	p.report(func(p *Progress) { p.queued, p.asked, p.first = false, now, time.Time{} })
}

// FirstByte reports that the first byte of the answer is here, or its end.
func (p *Progress) FirstByte() {
	now := time.Now()
	p.report(func(p *Progress) {
		if p.first.IsZero() {
			p.first = now
		}
	})
}

// Slow reports that the body arrives too slowly to wait for it alone.
func (p *Progress) Slow() { p.report(func(p *Progress) { p.slow = true }) }

func (p *Progress) report(what func(*Progress)) {
	for ; p != nil; p = p.outer {
		p.mu.Lock()
		what(p)
		p.mu.Unlock()
		select {
		case p.wake <- struct{}{}:
		default: // whoever listens has not looked since the last report
		}
	}
}

// Begun reports whether the first byte of the answer has come.
func (p *Progress) Begun() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.first.IsZero()
}

// IsSlow reports whether the body has been found too slow.
func (p *Progress) IsSlow() bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow
}

// sinceFirst returns how long ago the first byte came; 0 if it has not.
func (p *Progress) sinceFirst() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first.IsZero() {
		return 0
	}
	return time.Since(p.first)
}

// Waited returns how long the source has been, or was, waited for until the
// first byte of its answer. It is 0 while the call has not had its turn.
func (p *Progress) Waited() time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.queued:
		return 0
	case p.first.IsZero():
		return time.Since(p.asked)
	}
	return p.first.Sub(p.asked)
}
