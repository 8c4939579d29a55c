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

	// Slow is how long a call may take; Get is not waited for longer.
	// Default: 1 s; negative: no bound.
	Slow time.Duration

	// Pause is how long the store is left alone then. Default: 10 s.
	Pause time.Duration
}

// ErrGated is why a store behind a gate was not asked.
var ErrGated = errors.New("the store is left alone for a while, for it has been failing or slow")

// Gate returns a store that stands in for s, a tier that may fail or hang, such
// as one on a network file system. Reading never fails: what goes wrong is a
// miss. Writing fails with what went wrong. After some failures in a row the
// store is left alone for a while; then one call tries again.
//
// A Get that is not waited for any longer goes on in the background, and Close
// waits for it.
func Gate(s Store, opts *GateOptions) Store {
	var o GateOptions
	if opts != nil {
		o = *opts
	}
	o.Failures = cmp.Or(o.Failures, 3)
	o.Slow = cmp.Or(o.Slow, time.Second)
	o.Pause = cmp.Or(o.Pause, 10*time.Second)
	return &gate{store: s, opts: o}
}

type gate struct {
	store Store
	opts  GateOptions
	late  sync.WaitGroup // calls that nobody waits for

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // left alone
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

func (g *gate) Put(ctx context.Context, key string, c Content) error {
	return g.write(ctx, func() error { return g.store.Put(ctx, key, c) })
}

func (g *gate) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	return g.write(ctx, func() error { return Commit(ctx, g.store, key, spool, meta) })
}

func (g *gate) Delete(ctx context.Context, key string) error {
	return g.write(ctx, func() error {
		_, err := Delete(ctx, g.store, key)
		return err
	})
}

func (g *gate) write(ctx context.Context, do func() error) error {
	if !g.open() {
		return ErrGated
	}
	begun := time.Now()
	err := do()
	if ctx.Err() == nil && !isRefusal(err) {
		g.learn(err != nil || g.opts.Slow > 0 && time.Since(begun) > g.opts.Slow)
	}
	return err
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

// Swap asks the store itself: a miss that is a failure must not pass for the
// absence of an entry.
func (g *gate) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	return g.write(ctx, func() error { return Swap(ctx, g.store, key, old, next, meta) })
}

// Lock is that of the store: whoever waits for it says nothing of how the store is.
// While the store is left alone, nobody waits for it.
func (g *gate) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if !g.open() {
		return nil, ErrGated
	}
	return Lock(ctx, g.store, key)
}

func (g *gate) NewSpool(memory int64) *Spool { return SpoolFor(g.store, memory) }

func (g *gate) Writable() bool { return isWritable(g.store) }

func (g *gate) List(ctx context.Context, visit func(key string) error) error {
	if l, ok := g.store.(Lister); ok {
		return l.List(ctx, visit)
	}
	return ErrNotLister
}

func (g *gate) Close() error {
	g.late.Wait()
	if c, ok := g.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
