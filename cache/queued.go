package cache

import (
	"context"
	"errors"
)

func (w *writeBack) Get(ctx context.Context, key string) (*Entry, error) {
	if e, err := w.waiting(key); e != nil || err != nil {
		return e, err
	}
	return w.store.Get(ctx, key)
}

var errToDelete = errors.New("it waits to be deleted")

// waiting returns what waits under key: an entry, its absence, or neither. What
// is written in between is in the store before it is gone from the queue.
func (w *writeBack) waiting(key string) (*Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next, ok := w.last[key]
	switch {
	case !ok:
		return nil, nil
	case next.reader == nil:
		return nil, &MissError{Key: key, Err: errToDelete}
	}
	body := next.reader.Spool().Reader(context.Background()) // it is finished: nothing is waited for
	return &Entry{Meta: next.meta, Size: next.size, Body: body, Layer: "queue"}, nil
}

// Swap is not put off: it says who was first. It waits for what waits under the
// key when it begins; if that cannot be written, what the store has counts.
func (w *writeBack) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	w.mu.Lock()
	var written chan struct{}
	if last, ok := w.last[key]; ok {
		written = last.done
	}
	w.mu.Unlock()
	if err := await(ctx, written); err != nil {
		return err
	}
	return swapInTurn(ctx, w.swapping, w.store, key, old, next, meta)
}

// List lists what the store holds and what waits, but for what waits to be
// deleted.
func (w *writeBack) List(ctx context.Context, visit func(key string) error) error {
	l, ok := w.store.(Lister)
	if !ok {
		return ErrNotLister
	}
	waits := w.snapshot()
	err := l.List(ctx, func(key string) error {
		if _, ok := waits[key]; ok {
			return nil
		}
		return visit(key)
	})
	if err != nil {
		return err
	}
	for key, stored := range waits {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !stored {
			continue
		}
		if err := visit(key); err != nil {
			return err
		}
	}
	return nil
}

// snapshot tells of each key under which something waits whether it is an entry.
func (w *writeBack) snapshot() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := make(map[string]bool, len(w.last))
	for key, next := range w.last {
		keys[key] = next.reader != nil
	}
	return keys
}
