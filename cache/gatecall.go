package cache

import (
	"context"
	"fmt"
	"io/fs"
	"time"
)

// maxCalls is how many calls of one kind are under way at once: far more than a
// store that is well has at a time, and few enough to be left hanging.
const maxCalls = 256

// maxTouches is how many notes of use are under way at once.
const maxTouches = 16

// slots is a channel with room for as many calls as may be under way.
type slots chan struct{}

func (s slots) tryTake() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) free() { <-s }

var errBusy = fmt.Errorf("%w: as many calls as may be are under way", ErrGated)

var errGateClosed = fmt.Errorf("the gate before the store: %w", fs.ErrClosed)

// bound returns a context that ends after limit, for that cause; a negative limit
// is none.
func bound(ctx context.Context, limit time.Duration, cause error) (context.Context, context.CancelFunc) {
	if limit < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, cause)
}

// begin counts a goroutine that Close waits for. Whoever starts it calls
// late.Done. When Close waits there are no more: it would not notice them.
func (g *gate) begin() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errGateClosed
	}
	g.late.Add(1)
	return nil
}

// reserve begins a call when there is room for one more of its kind, which is
// waited for as long as ctx and bounded last. That there is none says nothing new
// of the store: the calls that are in the way are counted themselves.
func (g *gate) reserve(ctx, bounded context.Context, kind slots) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !kind.tryTake() {
		select {
		case kind <- struct{}{}:
		case <-bounded.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return errBusy
		}
	}
	err := g.begin()
	if err != nil {
		kind.free()
	}
	return err
}

// A call is one of the store, in a goroutine of its own.
type call[T any] struct {
	answer chan T
	gone   chan struct{} // closed when nobody takes the answer
	late   func(T)       // gets the answer then
	hung   *time.Timer   // stopped by its end; nil: none
}

func newCall[T any](late func(T)) *call[T] {
	return &call[T]{answer: make(chan T), gone: make(chan struct{}), late: late}
}

// run does a call that was reserved.
func (c *call[T]) run(g *gate, kind slots, do func() T) {
	defer g.late.Done()
	defer kind.free()
	answer := do()
	select {
	case c.answer <- answer:
	case <-c.gone:
		if c.hung != nil {
			c.hung.Stop()
		}
		c.late(answer)
	}
}

// abandon leaves the call to itself.
func (c *call[T]) abandon(hung *time.Timer) {
	c.hung = hung
	close(c.gone)
}

// hangs counts a call whose caller went away as a failure when it goes on for
// longer than after, or else a store that hangs would be asked by all who are
// less patient than the gate.
func (g *gate) hangs(after time.Duration) *time.Timer {
	if after < 0 {
		return nil
	}
	return time.AfterFunc(after, func() { g.learn(true) })
}
