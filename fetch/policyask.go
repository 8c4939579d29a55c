package fetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxKnown bounds the answers that are remembered.
	maxKnown = 32768

	// maxCalls bounds the calls of a policy's callback under way.
	maxCalls = 64
)

// A consultation asks a callback of the embedder's, about versions or contents:
// once for all who ask about the same at the same time, with a bound on the time
// that they wait, which holds even if the callback does not heed its context.
type consultation[K comparable, T any] struct {
	timeout time.Duration
	keep    func(K, T) time.Duration // how long an answer is remembered
	known   *lru.Cache[K, known[T]]
	places  chan struct{}

	life    context.Context // of the calls
	end     func()
	tooSlow error

	mu     sync.Mutex
	closed bool
	calls  map[consulted[K]]*call[T]
	wait   sync.WaitGroup // for them
}

type known[T any] struct {
	answer T
	until  time.Time
}

// What is asked offline is another question: the callback can learn less.
type consulted[K comparable] struct {
	about   K
	offline bool
}

// A call is one of the callback, and everybody who waits for it. Its fields are
// written before done is closed, but left, which has the consultation's mutex.
type call[T any] struct {
	ctx    context.Context
	done   chan struct{}
	answer T
	err    error
	left   bool // by the one who started it
}

func newConsultation[K comparable, T any](timeout time.Duration, keep func(K, T) time.Duration) *consultation[K, T] {
	cache, _ := lru.New[K, known[T]](maxKnown) // fails only for a size below 1
	life, end := context.WithCancel(context.Background())
	return &consultation[K, T]{
		timeout: timeout, keep: keep, known: cache, places: make(chan struct{}, maxCalls),
		life: life, end: end, tooSlow: fmt.Errorf("no answer within %v", timeout),
		calls: map[consulted[K]]*call[T]{},
	}
}

// recall returns what is remembered.
func (c *consultation[K, T]) recall(about K) (T, bool) {
	k, ok := c.known.Get(about)
	if !ok || !time.Now().Before(k.until) {
		var zero T
		return zero, false
	}
	return k.answer, true
}

func (c *consultation[K, T]) remember(about K, answer T) {
	if ttl := c.keep(about, answer); ttl > 0 {
		c.known.Add(about, known[T]{answer, time.Now().Add(ttl)})
	}
}

// ask returns what is remembered, or else what f says. The error is why
// there is no answer. What f uses belongs to the caller again when ask returns,
// unless kept is true: then f still runs, or is still to run, and abandoned will
// be called when it does not need it any more.
func (c *consultation[K, T]) ask(ctx context.Context, about K, f func(context.Context) (T, error), abandoned func()) (answer T, kept bool, err error) {
	if answer, ok := c.recall(about); ok {
		return answer, false, nil
	}
	q := consulted[K]{about, upstream.Offline(ctx)}
	one, started := c.start(ctx, q, f, abandoned)
	if one == nil {
		return answer, false, errClosed
	}
	select {
	case <-one.done:
	case <-one.ctx.Done():
		err = context.Cause(one.ctx)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-one.done:
		return one.answer, false, one.err
	default:
	}
	one.left = one.left || started
	return answer, started, err
}

var errGoexit = errors.New("it ended the goroutine that called it")

// start returns the call for q, and whether it is a new one; nil after close.
func (c *consultation[K, T]) start(ctx context.Context, q consulted[K], f func(context.Context) (T, error), abandoned func()) (*call[T], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false
	}
	if one, ok := c.calls[q]; ok {
		return one, false
	}
	ctx, stop := c.during(ctx)
	one := &call[T]{ctx: ctx, done: make(chan struct{})}
	c.calls[q] = one
	c.wait.Go(func() {
		defer stop()
		defer c.finish(one, q, abandoned) // also if f ends the goroutine
		one.err = errGoexit
		one.answer, one.err = c.run(ctx, f)
	})
	return one, true
}

// during returns a context with the values of ctx, for a call: it ends in time,
// and when the consultation is closed.
func (c *consultation[K, T]) during(ctx context.Context) (context.Context, func()) {
	ctx, late := context.WithTimeoutCause(context.WithoutCancel(withoutNote(ctx)), c.timeout, c.tooSlow)
	ctx, stop := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(c.life, func() { stop(errClosed) })
	return ctx, func() {
		unhook()
		stop(nil)
		late()
	}
}

// run calls f as soon as there is a place. A panic is a failure like others; its
// stack does not go to strangers.
func (c *consultation[K, T]) run(ctx context.Context, f func(context.Context) (T, error)) (answer T, err error) {
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
	defer func() { <-c.places }()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	answer, err = f(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return answer, err
}

// finish tells those who wait, and remembers what was said, even if it was said
// too late for them.
func (c *consultation[K, T]) finish(one *call[T], q consulted[K], abandoned func()) {
	if one.err == nil && !q.offline {
		c.remember(q.about, one.answer)
	}
	c.mu.Lock()
	delete(c.calls, q)
	close(one.done)
	left := one.left
	c.mu.Unlock()
	if left {
		abandoned()
	}
}

// close has the calls end, and waits until all of them have returned.
func (c *consultation[K, T]) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.wait.Wait()
}
