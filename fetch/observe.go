package fetch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// Observe has the hooks of t told, too, from now on until stop is called, also
// after [Client.Reconfigure]. What is under way then may be told in part. Calling stop again does nothing.
func (c *Client) Observe(t *Trace) (stop func()) { return c.watch.add(t) }

// A watch is what is told of and counted while a Client works. It is the
// Client's, so that its cores share it.
type watch struct {
	counts counts
	cores  atomic.Uint64 // that there were

	mu     sync.Mutex
	option *Trace                // of the present options
	added  []*Trace              // by Observe
	joined atomic.Pointer[Trace] // never nil once configured
}

func (w *watch) add(t *Trace) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	own := JoinTraces(t) // one of its own, to be told from another of the same hooks
	w.added = append(slices.Clone(w.added), own)
	w.join()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.added = slices.DeleteFunc(slices.Clone(w.added), func(other *Trace) bool { return other == own })
		w.join()
	}
}

// configure takes the hooks of the options.
func (w *watch) configure(t *Trace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.option = t
	w.join()
}

// join makes one Trace of all; mu is held.
func (w *watch) join() { w.joined.Store(JoinTraces(append([]*Trace{w.option}, w.added...)...)) }

// trace returns the hooks to tell.
func (w *watch) trace() *Trace { return w.joined.Load() }

// A sighting is one request from its begin to its end.
type sighting struct {
	watch *watch
	trace *Trace
	req   upstream.Request
	begun time.Time // zero if nobody wants to know
}

// begin counts a request and tells of its begin.
func (w *watch) begin(ctx context.Context, req upstream.Request) (context.Context, sighting) {
	s := sighting{watch: w, trace: w.trace(), req: req}
	if s.trace.RequestStart != nil || s.trace.RequestEnd != nil {
		s.begun = time.Now()
	}
	if s.trace.RequestStart != nil {
		ctx = s.trace.RequestStart(ctx, RequestStart{req, s.begun})
	}
	w.counts.begun.Add(1) // after the hook: if that panics, nobody will count the end
	return ctx, s
}

// end counts a request's outcome and tells of it.
func (s sighting) end(ctx context.Context, resp *upstream.Response, err error) {
	outcome := outcomeIn(ctx, resp, err)
	s.watch.counts.ended(s.req, outcome)
	if err == nil && resp.Stale != nil && resp.Stale != upstream.ErrRevalidating {
		s.watch.degraded(ctx, Degradation{s.req, ServedStale, resp.Stale})
	}
	if s.trace.RequestEnd == nil {
		return
	}
	e := RequestEnd{Request: s.req, Begun: s.begun, Took: time.Since(s.begun), Outcome: outcome}
	if err == nil {
		e.Source, e.Size = resp.Source, max(0, resp.Size)
		err = resp.Stale
	}
	if err != nil && err != upstream.ErrRevalidating {
		e.Err = upstream.AsError(err, s.req, "")
	}
	s.trace.RequestEnd(ctx, e)
}

func (w *watch) retried(ctx context.Context, e breaker.RetryEvent) {
	if e.Reason == breaker.Again {
		w.counts.retries.Add(1)
	}
	if t := w.trace(); t.Retry != nil {
		t.Retry(ctx, e)
	}
}

func (w *watch) hedged(ctx context.Context, e upstream.HedgeEvent) {
	w.counts.hedges.Add(1)
	if e.Won {
		w.counts.hedgesWon.Add(1)
	}
	if t := w.trace(); t.Hedge != nil {
		t.Hedge(ctx, e)
	}
}

func (w *watch) circuitChanged(e breaker.CircuitChange) {
	if t := w.trace(); t.CircuitChange != nil {
		t.CircuitChange(e)
	}
}

func (w *watch) verified(ctx context.Context, e Verification) {
	switch {
	case e.Err == nil:
		w.counts.verified.Add(1)
	case upstream.ClassOf(e.Err) == upstream.Untrusted:
		w.counts.mismatched.Add(1)
	default:
		w.counts.unverifiable.Add(1)
	}
	if t := w.trace(); t.Verification != nil {
		t.Verification(ctx, e)
	}
}

func (w *watch) committed(ctx context.Context, e Commit) {
	if e.Err == nil {
		w.counts.stored.Add(1)
	}
	if t := w.trace(); t.Commit != nil {
		t.Commit(ctx, e)
	}
}

func (w *watch) evicted(e cache.Eviction) {
	if t := w.trace(); t.Eviction != nil {
		t.Eviction(e)
	}
}

func (w *watch) corrupted(e cache.Corruption) {
	if t := w.trace(); t.Corruption != nil {
		t.Corruption(e)
	}
}

func (w *watch) degraded(ctx context.Context, e Degradation) {
	w.counts.degraded[e.What].Add(1)
	if t := w.trace(); t.Degradation != nil {
		t.Degradation(ctx, e)
	}
}
