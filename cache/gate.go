package cache

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"time"
)

// GateOptions says when a store is left alone. A nil *GateOptions and zero fields
// mean the defaults.
type GateOptions struct {
	// Failures is how many calls in a row must fail, or be slow.
	// Default: 3, which is what less than 1 means.
	Failures int

	// Slow is how long Get may take; it is not waited for longer. A write that
	// took longer and succeeded says nothing of the store: it may have been large.
	// Default: 1 s; negative: no bound.
	Slow time.Duration

	// SlowWrite is how long Put, Move, Delete and Swap may take, and how long List
	// may be in coming up with the next key; they are not waited for longer.
	// Default: 30 s; negative: no bound.
	SlowWrite time.Duration

	// Pause is how long the store is left alone then. Default: 10 s.
	Pause time.Duration
}

// ErrGated is why a store behind a gate was not asked.
var ErrGated = errors.New("the store is left alone for a while, for it has been failing or slow")

// ErrAbandoned is why a call through a gate ended before the store had done what
// it was told: it took longer than SlowWrite. What the store does may yet take
// effect; until it is over, writes to the same key wait for it.
var ErrAbandoned = errors.New("the store took too long and is not waited for any more")

// Gate returns a store that stands in for s, a tier that may fail or hang, such
// as one on a network file system. Reading never fails: what goes wrong is a
// miss. Writing fails with what went wrong. After some failures in a row the
// store is left alone for a while; then one call tries again.
//
// No call outlasts its bound or its context; Lock, whose holder may be at work for
// long, has only its context. What is not waited for any longer goes on in the
// background, with nothing that belongs to its caller, and Close waits for it; the
// context of a write is cancelled then. One whose caller went away is a failure if
// it is still not over after as long as it may take. At most 256 Gets are under way
// at once, 256 writes, and 256 of List and Lock, however many hang: the others wait
// for their turn, within the same bounds, and then fail with [ErrGated]. After
// Close every call does so with [fs.ErrClosed], Get as a miss.
//
// Of the failures of a Put, those of its Body are not the store's, nor is the time
// that Body takes. Spools are not made beside s, but in the directory for temporary
// files, or in [Layered] beside the store before. That a faster layer answers is
// told to s in the background, and not at all while s is left alone.
//
// The result is an io.Closer, which closes s, too. A nil s panics.
func Gate(s Store, opts *GateOptions) Store {
	if s == nil {
		panic("cache: Gate: the store is nil")
	}
	var o GateOptions
	if opts != nil {
		o = *opts
	}
	o.Failures = cmp.Or(max(0, o.Failures), 3)
	o.Slow = cmp.Or(o.Slow, time.Second)
	o.SlowWrite = cmp.Or(o.SlowWrite, 30*time.Second)
	o.Pause = cmp.Or(o.Pause, 10*time.Second)
	return &gate{
		store: s, opts: o, swapping: make(chan struct{}, 1), stragglers: map[string]*straggler{},
		gets: make(slots, maxCalls), writes: make(slots, maxCalls), patient: make(slots, maxCalls),
		touches: make(slots, maxTouches),
	}
}

type gate struct {
	store Store
	opts  GateOptions
	late  sync.WaitGroup // calls, whether anybody waits for them or not; begin adds

	swapping chan struct{} // full during a Swap that the store leaves to us

	gets, writes slots
	patient      slots // List and Lock
	touches      slots

	mu         sync.Mutex
	closed     bool      // nothing is added to late
	failures   int       // in a row
	until      time.Time // left alone
	stragglers map[string]*straggler
}

// open reports whether the store may be asked. When the pause is over, the first
// to ask holds the gate for the others until it has an answer.
func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures < g.opts.Failures {
		return true
	}
	now := time.Now()
	if now.Before(g.until) {
		return false
	}
	g.until = now.Add(g.opts.Pause)
	return true
}

// learn counts a call.
func (g *gate) learn(failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !failed {
		g.failures = 0
		return
	}
	if g.failures++; g.failures >= g.opts.Failures {
		g.until = time.Now().Add(g.opts.Pause)
	}
}

// learnFrom counts a call that may take long for good reasons: one that did, and
// succeeded, says nothing.
func (g *gate) learnFrom(begun time.Time, err error) {
	switch {
	case isRefusal(err):
	case err != nil:
		g.learn(true)
	case g.opts.Slow < 0 || time.Since(begun) <= g.opts.Slow:
		g.learn(false)
	}
}

// isWell reports whether open would let everybody pass.
func (g *gate) isWell() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures < g.opts.Failures
}

type got struct {
	entry *Entry
	err   error
}

func (g got) close() {
	if g.err == nil {
		g.entry.Body.Close()
	}
}

var errSlow = errors.New("the store took too long")

func (g *gate) Get(ctx context.Context, key string) (*Entry, error) {
	if !g.open() {
		return nil, &MissError{Key: key, Err: ErrGated}
	}
	waits, cancel := bound(ctx, g.opts.Slow, errSlow)
	defer cancel()
	if err := g.reserve(ctx, waits, g.gets); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, &MissError{Key: key, Err: err}
	}
	c := newCall(got.close)
	go c.run(g, g.gets, func() got {
		e, err := g.store.Get(ctx, key)
		return got{e, err}
	})
	select {
	case a := <-c.answer:
		return g.judge(ctx, key, a)
	case <-waits.Done():
	}
	if ctx.Err() != nil {
		c.abandon(g.hangs(g.opts.Slow))
		return nil, context.Cause(ctx)
	}
	g.learn(true)
	c.abandon(nil)
	return nil, &MissError{Key: key, Err: errSlow}
}

// judge makes a miss of a failure.
func (g *gate) judge(ctx context.Context, key string, a got) (*Entry, error) {
	switch {
	case a.err == nil || errors.Is(a.err, fs.ErrNotExist):
		g.learn(false)
		return a.entry, a.err
	case ctx.Err() != nil:
		return nil, a.err
	case !isRefusal(a.err):
		g.learn(true)
	}
	return nil, &MissError{Key: key, Err: a.err}
}

// isRefusal reports whether err says nothing of how the store is.
func isRefusal(err error) bool {
	for _, refusal := range []error{ErrTooLarge, ErrReadOnly, ErrConflict, ErrBacklog, ErrUnfinished, errMismatch, errKey} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	// Under some keys nothing can be stored, or not beside what is.
	return isNameTooLong(err) || isNotDir(err) || isDir(err) || errors.Is(err, fs.ErrExist)
}

// Lock is that of the store, waited for until ctx ends: whoever waits for it says
// nothing of how the store is, unless the store goes on when ctx has ended. One that
// comes too late is given back. While the store is left alone, nobody waits for it.
func (g *gate) Lock(ctx context.Context, key string) (unlock func(), err error) {
	l, ok := g.store.(Locker)
	if !ok {
		return Lock(ctx, g.store, key)
	}
	if !g.open() {
		return nil, ErrGated
	}
	if err := g.reserve(ctx, ctx, g.patient); err != nil {
		return nil, err
	}
	begun := time.Now()
	c := newCall(func(l lock) {
		if l.err == nil {
			l.unlock()
		}
	})
	go c.run(g, g.patient, func() lock {
		unlock, err := l.Lock(ctx, key)
		return lock{unlock, err}
	})
	select {
	case l := <-c.answer:
		if ctx.Err() == nil {
			g.learnFrom(begun, l.err)
		}
		if l.err != nil {
			return nil, l.err
		}
		return func() { g.giveBack(l.unlock) }, nil
	case <-ctx.Done():
		c.abandon(g.hangs(g.opts.Slow))
		return nil, context.Cause(ctx)
	}
}

type lock struct {
	unlock func()
	err    error
}

// giveBack waits for a lock to be free as long as for a Get. After Close there is
// nobody to wait for it in the background.
func (g *gate) giveBack(unlock func()) {
	if g.begin() != nil {
		unlock()
		return
	}
	waits, cancel := bound(context.Background(), g.opts.Slow, errSlow)
	defer cancel()
	free := make(chan struct{})
	go func() {
		defer g.late.Done()
		defer close(free)
		unlock()
	}()
	select {
	case <-free:
	case <-waits.Done():
		g.learn(true)
	}
}

// touched passes on that an entry is used, while the store is well and not too
// much of that is under way: to be told is not worth waiting for.
func (g *gate) touched(key string) {
	t, ok := g.store.(toucher)
	if !ok || !g.isWell() || !g.touches.tryTake() {
		return
	}
	if g.begin() != nil {
		g.touches.free()
		return
	}
	go func() {
		defer g.late.Done()
		defer g.touches.free()
		t.touched(key)
	}()
}

// NewSpool returns a spool that is not beside the store: a download must not hang
// with it. Move copies it.
func (g *gate) NewSpool(memory int64) *Spool { return NewSpool(memory) }

// Flush is the method of [Flusher], as long as ctx allows.
func (g *gate) Flush(ctx context.Context) error { return Flush(ctx, g.store) }

func (g *gate) Writable() bool { return isWritable(g.store) }

// List calls visit in the caller's goroutine. A store that takes too long to come
// up with the next key is abandoned.
func (g *gate) List(ctx context.Context, visit func(key string) error) error {
	l, ok := g.store.(Lister)
	if !ok {
		return ErrNotLister
	}
	if !g.open() {
		return ErrGated
	}
	waits, cancelWait := bound(ctx, g.opts.SlowWrite, ErrAbandoned)
	defer cancelWait()
	if err := g.reserve(ctx, waits, g.patient); err != nil {
		return err
	}
	listing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys, ended := make(chan string), make(chan error, 1)
	go func() {
		defer g.late.Done()
		defer g.patient.free()
		ended <- l.List(listing, func(key string) error {
			select {
			case keys <- key:
				return nil
			case <-listing.Done():
				return context.Cause(listing)
			}
		})
	}()
	for {
		key, more, err := g.nextKey(ctx, keys, ended)
		if more {
			err = visit(key)
		}
		if !more || err != nil {
			return err
		}
	}
}

// nextKey waits for a key, or for the end. It counts how the store has done.
func (g *gate) nextKey(ctx context.Context, keys <-chan string, ended <-chan error) (key string, more bool, err error) {
	bounded, cancel := bound(ctx, g.opts.SlowWrite, ErrAbandoned)
	defer cancel()
	if ctx.Err() != nil {
		return "", false, context.Cause(ctx)
	}
	select {
	case key = <-keys:
		return key, true, nil
	case err = <-ended:
	case <-bounded.Done():
		err = context.Cause(bounded)
	}
	if ctx.Err() == nil && !errors.Is(err, ErrNotLister) {
		g.learn(err != nil)
	}
	return "", false, err
}

// Close lets no call begin any more, waits for those that are under way, however
// long they hang, and closes the store, once.
func (g *gate) Close() error {
	g.mu.Lock()
	again := g.closed
	g.closed = true
	g.mu.Unlock()
	g.late.Wait()
	if again {
		return nil
	}
	if c, ok := g.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
