package cache

import (
	"context"
	"errors"
)

// A Flusher is a Store that writes some of what it is given later.
type Flusher interface {
	Store

	// Flush waits until all that was stored or deleted before is written, or ctx
	// ends. Its error is the first of those met in writing since the last Flush.
	Flush(ctx context.Context) error
}

// Flush flushes s if it is a [Flusher]; elsewhere nothing waits to be written,
// and there is no error.
func Flush(ctx context.Context, s Store) error {
	if f, ok := s.(Flusher); ok {
		return f.Flush(ctx)
	}
	return nil
}

// Flush is the method of [Flusher].
func (w *writeBack) Flush(ctx context.Context) error {
	w.mu.Lock()
	tail := w.tail
	w.mu.Unlock()
	if err := await(ctx, tail); err != nil {
		return err
	}
	w.mu.Lock()
	err := w.failed
	w.failed = nil
	w.mu.Unlock()
	return errors.Join(err, Flush(ctx, w.store))
}

// await waits for done to be closed; nil is nothing to wait for.
func await(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
