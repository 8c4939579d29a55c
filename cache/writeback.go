package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
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

	// OnError is called when something could not be written, in the background,
	// or was not because too much waited, by who stored it. It must not wait for
	// the store. Default: nobody is told.
	OnError func(key string, err error)
}

// ErrBacklog is why something was not written by [WriteBack]. What waits under
// the same key goes on to wait, and is what Get finds.
var ErrBacklog = errors.New("not written: too much waits to be written already")

// WriteBack returns a store that stands in for s, a slow tier that should have
// what is stored sooner or later: writing returns at once and is done in the
// background, in order. Until it is done, Get answers what was written last,
// from the spool that waits; an [Entry] from there has the Layer "queue". If it
// cannot be written, the entry is again what s has: OnError and [Flush] tell.
// Content of more than Bytes, or than s takes, is refused with [ErrTooLarge].
//
// Other processes see what s has. Lock is that of s: who gets it next, in another
// process, may not find yet what its last holder has put.
//
// Close waits for what is left, and closes s if it can be closed.
func WriteBack(s Store, opts *WriteBackOptions) Store {
	var o WriteBackOptions
	if opts != nil {
		o = *opts
	}
	o.Entries = cmp.Or(o.Entries, 1024)
	o.Bytes = cmp.Or(o.Bytes, 1<<30)
	o.Drain = cmp.Or(o.Drain, 30*time.Second)
	w := &writeBack{
		store: s, opts: o,
		queue: make(chan *write, max(1, o.Entries)), last: map[string]*write{},
		swapping: make(chan struct{}, 1), done: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	go w.run()
	return w
}

type writeBack struct {
	store  Store
	opts   WriteBackOptions
	queue  chan *write
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}

	swapping chan struct{} // full during a Swap that the store leaves to us

	mu     sync.Mutex
	last   map[string]*write // of each key, until it is written or has failed
	bytes  int64             // that wait
	tail   chan struct{}     // closed when the last of the queue is written
	failed error             // the first since the last Flush
	closed bool
}

// A write waits. Its reader holds the spool; without one the key is deleted.
type write struct {
	key    string
	meta   Meta
	reader *SpoolReader
	size   int64
	done   chan struct{}
}

func (w *writeBack) run() {
	defer close(w.done)
	for next := range w.queue {
		err := context.Cause(w.ctx)
		if err == nil {
			err = w.do(next)
		}
		w.finish(next, err)
	}
}

func (w *writeBack) do(next *write) error {
	if next.reader == nil {
		_, err := Delete(w.ctx, w.store, next.key)
		return err
	}
	return Commit(w.ctx, w.store, next.key, next.reader.Spool(), next.meta)
}

// finish lets the store answer for the key from now on, unless something newer
// waits. Whoever has got the entry from the queue has a hold on the spool.
func (w *writeBack) finish(next *write, err error) {
	w.mu.Lock()
	if w.last[next.key] == next {
		delete(w.last, next.key)
	}
	w.bytes -= next.size
	w.failed = cmp.Or(w.failed, err)
	w.mu.Unlock()
	next.release()
	w.report(next.key, err)
	close(next.done)
}

func (w *writeBack) report(key string, err error) {
	if err != nil && w.opts.OnError != nil {
		w.opts.OnError(key, err)
	}
}

func (n *write) release() {
	if n.reader != nil {
		n.reader.Close()
	}
}

// enqueue takes over the write's reader.
func (w *writeBack) enqueue(next *write) error {
	err := w.tryEnqueue(next)
	if err != nil {
		next.release()
		w.report(next.key, err)
	}
	return err
}

func (w *writeBack) tryEnqueue(next *write) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("%s: not written: %w", next.key, fs.ErrClosed)
	}
	if w.bytes+next.size > w.opts.Bytes {
		return ErrBacklog
	}
	select {
	case w.queue <- next:
	default:
		return ErrBacklog
	}
	w.bytes += next.size
	w.last[next.key] = next
	w.tail = next.done
	return nil
}

// refuse returns why content of that size under that key is not taken.
func (w *writeBack) refuse(key string, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	switch {
	case !w.Writable():
		return fmt.Errorf("%s: %w", key, ErrReadOnly)
	case size > w.MaxEntry():
		return fmt.Errorf("%s: %w", key, ErrTooLarge)
	}
	return nil
}

// MaxEntry is what the store takes, and what there may be room for.
func (w *writeBack) MaxEntry() int64 {
	if b, ok := w.store.(Bounded); ok {
		return min(w.opts.Bytes, b.MaxEntry())
	}
	return w.opts.Bytes
}

// Move keeps the spool until it is written.
func (w *writeBack) Move(_ context.Context, key string, spool *Spool, meta Meta) error {
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	size := spool.Size()
	if err := w.refuse(key, size); err != nil {
		return err
	}
	meta.Digest = digest
	return w.enqueue(&write{key, meta, spool.Reader(context.Background()), size, make(chan struct{})})
}

// Put reads the content into a spool first.
func (w *writeBack) Put(ctx context.Context, key string, c Content) error {
	if err := w.refuse(key, c.Size); err != nil {
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

// Delete is put off like any write. Where the store cannot delete, nothing is.
func (w *writeBack) Delete(_ context.Context, key string) error {
	if _, ok := w.store.(Deleter); !ok || checkKey(key) != nil {
		return nil
	}
	return w.enqueue(&write{key: key, done: make(chan struct{})})
}

func (w *writeBack) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return Lock(ctx, w.store, key)
}

func (w *writeBack) NewSpool(memory int64) *Spool { return SpoolFor(w.store, memory) }

func (w *writeBack) Writable() bool { return isWritable(w.store) }

func (w *writeBack) touched(key string) {
	if t, ok := w.store.(toucher); ok {
		t.touched(key)
	}
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
