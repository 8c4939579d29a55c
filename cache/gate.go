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
	// Failures is how many calls in a row must fail, or be slow. Default: 3.
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
// context of a write is cancelled then. Spools are not made beside s, but in the
// directory for temporary files, or in [Layered] beside the store before.
func Gate(s Store, opts *GateOptions) Store {
	var o GateOptions
	if opts != nil {
		o = *opts
	}
	o.Failures = cmp.Or(o.Failures, 3)
	o.Slow = cmp.Or(o.Slow, time.Second)
	o.SlowWrite = cmp.Or(o.SlowWrite, 30*time.Second)
	o.Pause = cmp.Or(o.Pause, 10*time.Second)
	return &gate{store: s, opts: o, swapping: make(chan struct{}, 1), stragglers: map[string]*straggler{}}
}

type gate struct {
	store Store
	opts  GateOptions
	late  sync.WaitGroup // calls that nobody waits for

	swapping chan struct{} // full during a Swap that the store leaves to us

	mu         sync.Mutex
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

type got struct {
	entry *Entry
	err   error
}

func (g *gate) Get(ctx context.Context, key string) (*Entry, error) {
	if !g.open() {
		return nil, &MissError{Key: key, Err: ErrGated}
	}
	answer := make(chan got, 1)
	g.late.Go(func() {
		e, err := g.store.Get(ctx, key)
		answer <- got{e, err}
	})
	var slow <-chan time.Time
	if g.opts.Slow > 0 {
		timer := time.NewTimer(g.opts.Slow)
		defer timer.Stop()
		slow = timer.C
	}
	select {
	case a := <-answer:
		return g.judge(ctx, key, a)
	case <-slow:
		g.learn(true)
		g.abandon(answer)
		return nil, &MissError{Key: key, Err: errors.New("the store took too long")}
	case <-ctx.Done():
		g.abandon(answer)
		return nil, context.Cause(ctx)
	}
}

// judge makes a miss of a failure.
func (g *gate) judge(ctx context.Context, key string, a got) (*Entry, error) {
	switch {
	case a.err == nil || errors.Is(a.err, fs.ErrNotExist):
		g.learn(false)
		return a.entry, a.err
	case ctx.Err() != nil:
		return nil, a.err
	}
	g.learn(true)
	return nil, &MissError{Key: key, Err: a.err}
}

// abandon closes what comes too late.
func (g *gate) abandon(answer <-chan got) {
	g.late.Go(func() {
		if a := <-answer; a.err == nil {
			a.entry.Body.Close()
		}
	})
}

// isRefusal reports whether err says nothing of how the store is.
func isRefusal(err error) bool {
	for _, refusal := range []error{ErrTooLarge, ErrReadOnly, ErrConflict, errMismatch, errKey} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// Lock is that of the store, waited for until ctx ends: whoever waits for it says
// nothing of how the store is. One that comes too late is given back. While the
// store is left alone, nobody waits for it.
func (g *gate) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if !g.open() {
		return nil, ErrGated
	}
	type lock struct {
		unlock func()
		err    error
	}
	answer := make(chan lock, 1)
	g.late.Go(func() {
		unlock, err := Lock(ctx, g.store, key)
		answer <- lock{unlock, err}
	})
	select {
	case l := <-answer:
		if l.err != nil {
			return nil, l.err
		}
		return func() { g.giveBack(l.unlock) }, nil
	case <-ctx.Done():
		g.late.Go(func() {
			if l := <-answer; l.err == nil {
				l.unlock()
			}
		})
		return nil, context.Cause(ctx)
	}
}

// giveBack waits for a lock to be free as long as for a Get.
func (g *gate) giveBack(unlock func()) {
	ctx, cancel := context.WithCancel(context.Background())
	g.late.Go(func() {
		defer cancel()
		unlock()
	})
	if g.opts.Slow > 0 {
		defer time.AfterFunc(g.opts.Slow, cancel).Stop()
	}
	<-ctx.Done()
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
	listing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys, ended := make(chan string), make(chan error, 1)
	g.late.Go(func() {
		ended <- l.List(listing, func(key string) error {
			select {
			case keys <- key:
				return nil
			case <-listing.Done():
				return context.Cause(listing)
			}
		})
	})
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
	bounded, cancel := g.within(ctx)
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

func (g *gate) Close() error {
	g.late.Wait()
	if c, ok := g.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
