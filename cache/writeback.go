package cache

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// WriteBackOptions bounds what waits to be written. A nil *WriteBackOptions and
// zero fields mean the defaults.
type WriteBackOptions struct {
	// Entries and Bytes are how much may wait. Defaults: 1024, and 1 GiB. What
	// comes when as much waits already is not written to the store.
	Entries int
	Bytes   int64

	// Drain is how long Close waits for what is left to be written.
	// Default: 30 s; negative: until it is.
	Drain time.Duration

	// OnError is called, in the background, when something could not be written
	// or was not because too much waited. Default: nobody is told.
	OnError func(key string, err error)
}

// ErrBacklog is why something was not written by [WriteBack].
var ErrBacklog = errors.New("not written: too much waits to be written already")

// WriteBack returns a store that stands in for s, a slow tier that should have
// what is stored sooner or later: writing returns at once and is done in the
// background, in order. Until then Get may find what was there before. Close
// waits for what is left, and closes s if it can be closed.
func WriteBack(s Store, opts *WriteBackOptions) Store {
	var o WriteBackOptions
	if opts != nil {
		o = *opts
	}
	o.Entries = cmp.Or(o.Entries, 1024)
	o.Bytes = cmp.Or(o.Bytes, 1<<30)
	o.Drain = cmp.Or(o.Drain, 30*time.Second)
	w := &writeBack{store: s, opts: o, queue: make(chan write, max(1, o.Entries)), done: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	go w.run()
	return w
}

type writeBack struct {
	store  Store
	opts   WriteBackOptions
	queue  chan write
	bytes  atomic.Int64 // that wait
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}

	mu     sync.RWMutex // held for writing by Close alone
	closed bool
}

// A write waits. Its reader holds the spool; without one the key is deleted.
type write struct {
	key    string
	meta   Meta
	reader *SpoolReader
	size   int64
}

func (w *writeBack) run() {
	defer close(w.done)
	for next := range w.queue {
		err := context.Cause(w.ctx)
		if err == nil {
			err = w.do(next)
		}
		w.bytes.Add(-next.size)
		if next.reader != nil {
			next.reader.Close()
		}
		w.report(next.key, err)
	}
}

func (w *writeBack) do(next write) error {
	if next.reader == nil {
		_, err := Delete(w.ctx, w.store, next.key)
		return err
	}
	return Commit(w.ctx, w.store, next.key, next.reader.Spool(), next.meta)
}

func (w *writeBack) report(key string, err error) {
	if err != nil && w.opts.OnError != nil {
		w.opts.OnError(key, err)
	}
}

// enqueue takes over the write's reader.
func (w *writeBack) enqueue(next write) error {
	err := w.tryEnqueue(next)
	if err == nil {
		return nil
	}
	if next.reader != nil {
		next.reader.Close()
	}
	w.report(next.key, err)
	return err
}

func (w *writeBack) tryEnqueue(next write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errors.New("the store is closed")
	}
	if w.bytes.Add(next.size) <= w.opts.Bytes {
		select {
		case w.queue <- next:
			return nil
		default:
		}
	}
	w.bytes.Add(-next.size)
	return ErrBacklog
}

func (w *writeBack) Get(ctx context.Context, key string) (*Entry, error) {
	return w.store.Get(ctx, key)
}

// Move keeps the spool until it is written.
func (w *writeBack) Move(_ context.Context, key string, spool *Spool, meta Meta) error {
	if err := checkKey(key); err != nil {
		return err
	}
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	meta.Digest = digest
	return w.enqueue(write{key, meta, spool.Reader(context.Background()), spool.Size()})
}

// Put reads the content into a spool first.
func (w *writeBack) Put(ctx context.Context, key string, c Content) error {
	if err := checkKey(key); err != nil {
		return err
	}
	spool := SpoolFor(w.store, 1<<20)
	defer spool.Close()
	spool.Grow(c.Size)
	if _, err := io.Copy(spool, contextReader{ctx, c.Body}); err != nil {
		return err
	}
	if err := spool.Finish(); err != nil {
		return err
	}
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	if err := c.check(spool.Size(), digest); err != nil {
		return err
	}
	return w.Move(ctx, key, spool, c.Meta)
}

func (w *writeBack) Delete(_ context.Context, key string) error {
	if checkKey(key) != nil {
		return nil
	}
	return w.enqueue(write{key: key})
}

// Swap is not put off: it says who was first. It does not wait for what waits to
// be written under the same key.
func (w *writeBack) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	return Swap(ctx, w.store, key, old, next, meta)
}

func (w *writeBack) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return Lock(ctx, w.store, key)
}

func (w *writeBack) NewSpool(memory int64) *Spool { return SpoolFor(w.store, memory) }

func (w *writeBack) Writable() bool { return isWritable(w.store) }

func (w *writeBack) List(ctx context.Context, visit func(key string) error) error {
	if l, ok := w.store.(Lister); ok {
		return l.List(ctx, visit)
	}
	return ErrNotLister
}

// Close writes what is left, for as long as Drain says, and closes the store.
func (w *writeBack) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	if w.opts.Drain > 0 {
		timer := time.AfterFunc(w.opts.Drain, func() { w.cancel(errors.New("not written: the store was closed")) })
		defer timer.Stop()
	}
	<-w.done
	w.cancel(nil)
	if c, ok := w.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
