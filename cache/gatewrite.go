package cache

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"time"
)

// Put reads the content in the caller's goroutine, and hands it to the store's
// through a pipe: when the store is abandoned, nobody reads it any more. A reader
// that hangs itself is waited for.
func (g *gate) Put(ctx context.Context, key string, c Content) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) {
		r, w := io.Pipe()
		defer w.CloseWithError(io.ErrUnexpectedEOF) // should the reader panic
		defer context.AfterFunc(ctx, func() { r.CloseWithError(context.Cause(ctx)) })()
		body := c.Body
		c.Body = r
		start(func() error {
			defer r.Close() // what it has not read is not needed
			return g.store.Put(ctx, key, c)
		})
		_, err := io.Copy(w, body)
		w.CloseWithError(err)
	})
}

// Move has a hold on the spool for as long as the store is at it.
func (g *gate) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) {
		hold := spool.Reader(ctx)
		start(func() error {
			defer hold.Close()
			return Commit(ctx, g.store, key, spool, meta)
		})
	})
}

func (g *gate) Delete(ctx context.Context, key string) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) {
		start(func() error {
			_, err := Delete(ctx, g.store, key)
			return err
		})
	})
}

// Swap asks the store itself: a miss that is a failure must not pass for the
// absence of an entry.
func (g *gate) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) {
		old, next := bytes.Clone(old), bytes.Clone(next)
		start(func() error { return swapInTurn(ctx, g.swapping, g.store, key, old, next, meta) })
	})
}

// swapInTurn swaps in a store that may be no [Swapper]: there, one at a time of
// those that share turn, which has room for one.
func swapInTurn(ctx context.Context, turn chan struct{}, s Store, key string, old, next []byte, meta Meta) error {
	if _, ok := s.(Swapper); !ok {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return Swap(ctx, s, key, old, next, meta)
}

// write lets begin start one call of the store, and waits for it for as long as
// ctx and SlowWrite allow. What begin does itself belongs to the caller and is
// over when write returns; what it starts may go on.
func (g *gate) write(ctx context.Context, key string, begin func(ctx context.Context, start func(func() error))) error {
	if !g.open() {
		return ErrGated
	}
	bounded, cancel := g.within(ctx)
	defer cancel()
	begun := time.Now()
	err := g.call(bounded, key, begin)
	if err != nil && bounded.Err() != nil {
		err = context.Cause(bounded)
	}
	switch {
	case ctx.Err() != nil || isRefusal(err):
	case err != nil:
		g.learn(true)
	case g.opts.Slow < 0 || time.Since(begun) <= g.opts.Slow:
		g.learn(false)
	}
	return err
}

func (g *gate) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if g.opts.SlowWrite < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, g.opts.SlowWrite, ErrAbandoned)
}

func (g *gate) call(ctx context.Context, key string, begin func(ctx context.Context, start func(func() error))) error {
	if err := await(ctx, g.straggling(key)); err != nil || ctx.Err() != nil {
		return cmp.Or(err, context.Cause(ctx))
	}
	answer := make(chan error, 1)
	begin(ctx, func(do func() error) {
		g.late.Go(func() { answer <- do() })
	})
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		g.straggle(key, answer)
		return context.Cause(ctx)
	}
}

// A straggler stands for the writes to a key that were abandoned and are not
// over. Another write must not begin before, or they could undo it.
type straggler struct {
	writes int
	over   chan struct{}
}

// straggling returns what is closed when the stragglers of key are over, or nil.
func (g *gate) straggling(key string) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, ok := g.stragglers[key]; ok {
		return s.over
	}
	return nil
}

func (g *gate) straggle(key string, answer <-chan error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.stragglers[key]
	if !ok {
		s = &straggler{over: make(chan struct{})}
		g.stragglers[key] = s
	}
	s.writes++
	g.late.Go(func() {
		<-answer
		g.mu.Lock()
		defer g.mu.Unlock()
		if s.writes--; s.writes == 0 {
			delete(g.stragglers, key)
			close(s.over)
		}
	})
}
