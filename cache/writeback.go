package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"sync"
	"time"
)

// WriteBackOptions bounds what waits to be written. A nil *WriteBackOptions and
// zero fields mean the defaults.
type WriteBackOptions struct {
	// Entries and Bytes are how much may wait, one entry at least. Defaults: 1024, and
	// 1 GiB. What comes when as much waits already is not written to the store.
	Entries int
	Bytes   int64

	// Drain is how long Close waits for what is left to be written. Then the
	// context of the store's calls ends, and Close gives it a second to notice.
	// Default: 30 s; negative: until all is written.
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
// Close waits for what is left, and closes s if it can be closed. If s is at a
// write that does not end with its context, Close returns an [*UnwrittenError]: s is
// not closed then, and the goroutine that writes to it is over when that write is.
func WriteBack(s Store, opts *WriteBackOptions) Store {
	if s == nil {
		panic("cache: WriteBack: the store is nil")
	}
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
	now    *write            // the store is at, or the last that it was
	last   map[string]*write // of each key, until it is written or has failed
	waits  int64             // writes, the one that the store is at included
	bytes  int64             // of those
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
		w.mu.Lock()
		w.now = next
		w.mu.Unlock()
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
	w.waits--
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
	w.waits++
	w.bytes += next.size
	w.last[next.key] = next
	w.tail = next.done
	return nil
}

// refuse returns why content of that size under that key is not taken.
func (w *writeBack) refuse(key string, size int64) error {
	if err := CheckKey(key); err != nil {
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
	body := io.LimitReader(contextReader{ctx, c.Body}, min(c.Size, math.MaxInt64-1)+1) // one more shows that there is too much
	if _, err := io.Copy(spool, body); err != nil {
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
	if _, ok := w.store.(Deleter); !ok || CheckKey(key) != nil {
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
	if !w.drained() {
		return w.giveUp()
	}
	w.cancel(nil)
	if c, ok := w.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

var errNotDrained = errors.New("not written: the store was closed")

// drainGrace is how long a store has to notice that its context has ended.
const drainGrace = time.Second

// drained waits for the queue to be empty, and reports whether it is.
func (w *writeBack) drained() bool {
	if w.opts.Drain < 0 {
		<-w.done
		return true
	}
	drain := time.AfterFunc(w.opts.Drain, func() { w.cancel(errNotDrained) })
	defer drain.Stop()
	select {
	case <-w.done:
		return true
	case <-w.ctx.Done():
	}
	grace := time.NewTimer(drainGrace)
	defer grace.Stop()
	select {
	case <-w.done:
		return true
	case <-grace.C:
		return false
	}
}

// An UnwrittenError is what Close of [WriteBack] returns when the store hangs in a
// write. What waited behind that is not written either; OnError was told of each.
type UnwrittenError struct {
	Key  string   // of the write that hangs, which may yet take effect
	Left []string // the keys of what waited, in order; nil: nothing
}

// Error tells the key of the write that hangs, and how many waited.
func (e *UnwrittenError) Error() string {
	return fmt.Sprintf("%s: the store hangs in writing it, and %d more writes are given up", e.Key, len(e.Left))
}

// giveUp takes from the queue what the store did not come to.
func (w *writeBack) giveUp() error {
	var left []string
	for next := range w.queue {
		left = append(left, next.key)
		w.finish(next, errNotDrained)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return &UnwrittenError{Key: w.now.key, Left: left}
}
