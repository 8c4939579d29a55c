package cache

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Put reads the content in the caller's goroutine, and hands it to the store's
// through a pipe: when the store is abandoned, nobody reads it any more. A reader
// that hangs itself is waited for.
func (g *gate) Put(ctx context.Context, key string, c Content) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) error {
		r, w := io.Pipe()
		defer w.CloseWithError(io.ErrUnexpectedEOF) // should the reader panic
		defer context.AfterFunc(ctx, func() { r.CloseWithError(context.Cause(ctx)) })()
		body := &lentBody{ctx: ctx, body: c.Body, left: c.Size}
		c.Body = r
		start(func() error {
			defer r.Close() // what it has not read is not needed
			return g.store.Put(ctx, key, c)
		})
		_, err := io.Copy(w, body)
		w.CloseWithError(err)
		return body.err
	})
}

// A lentBody is the Body of a Put. It says whether that, and not the store, is why
// the Put fails: by an error, by its size, or for it was at it when ctx ended. It
// is not read beyond the byte that shows that it is too long.
type lentBody struct {
	ctx  context.Context
	body io.Reader
	left int64 // of the size announced
	err  error
}

func (l *lentBody) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, io.EOF
	}
	if int64(len(p))-1 > l.left {
		p = p[:l.left+1]
	}
	n, err := l.body.Read(p)
	l.left -= int64(n)
	switch {
	case l.ctx.Err() != nil:
		l.err = context.Cause(l.ctx)
	case err != nil && err != io.EOF:
		l.err = err
	case l.left < 0 || err == io.EOF && l.left > 0:
		l.err = errMismatch
	}
	return n, err
}

// Move has a hold on the spool for as long as the store is at it.
func (g *gate) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	if _, err := spool.Digest(); err != nil {
		return err
	}
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) error {
		hold := spool.Reader(ctx)
		start(func() error {
			defer hold.Close()
			return Commit(ctx, g.store, key, spool, meta)
		})
		return nil
	})
}

func (g *gate) Delete(ctx context.Context, key string) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) error {
		start(func() error {
			_, err := Delete(ctx, g.store, key)
			return err
		})
		return nil
	})
}

// Swap asks the store itself: a miss that is a failure must not pass for the
// absence of an entry.
func (g *gate) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	return g.write(ctx, key, func(ctx context.Context, start func(func() error)) error {
		old, next := bytes.Clone(old), bytes.Clone(next)
		start(func() error { return swapInTurn(ctx, g.swapping, g.store, key, old, next, meta) })
		return nil
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

// A beginning starts one call of the store. What it does itself belongs to the
// caller and is over when write returns; what it starts may go on. Its error says
// that the caller, not the store, is at fault if the call fails.
type beginning func(ctx context.Context, start func(func() error)) error

// write waits for the call that begin starts for as long as ctx and SlowWrite
// allow.
func (g *gate) write(ctx context.Context, key string, begin beginning) error {
	if !g.open() {
		return ErrGated
	}
	bounded, cancel := bound(ctx, g.opts.SlowWrite, ErrAbandoned)
	defer cancel()
	if err := await(bounded, g.straggling(key)); err != nil {
		if ctx.Err() == nil {
			g.learn(true)
		}
		return err
	}
	if err := g.reserve(ctx, bounded, g.writes); err != nil {
		return err
	}
	begun := time.Now()
	fault, err := g.ask(ctx, bounded, key, begin)
	if err != nil && bounded.Err() != nil {
		err = context.Cause(bounded)
	}
	if fault == nil && ctx.Err() == nil {
		g.learnFrom(begun, err)
	}
	return err
}

// ask begins a call that there is room for. Whatever becomes of it, other writes
// to the key wait until it is over.
func (g *gate) ask(ctx, bounded context.Context, key string, begin beginning) (fault, err error) {
	c := newCall(func(error) { g.straggled(key) })
	answered := false
	defer func() { // also when the caller's reader panics
		if !answered {
			g.straggle(key)
			c.abandon(g.hangsFor(ctx))
		}
	}()
	fault = begin(bounded, func(do func() error) { go c.run(g, g.writes, do) })
	select {
	case err := <-c.answer:
		answered = true
		return fault, err
	case <-bounded.Done():
		return fault, context.Cause(bounded)
	}
}

// hangsFor is hangs for a write whose caller went away: one that took longer than
// SlowWrite has been counted.
func (g *gate) hangsFor(ctx context.Context) *time.Timer {
	if ctx.Err() == nil {
		return nil
	}
	return g.hangs(g.opts.SlowWrite)
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

func (g *gate) straggle(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.stragglers[key]
	if !ok {
		s = &straggler{over: make(chan struct{})}
		g.stragglers[key] = s
	}
	s.writes++
}

func (g *gate) straggled(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stragglers[key]
	if s.writes--; s.writes == 0 {
		delete(g.stragglers, key)
		close(s.over)
	}
}
