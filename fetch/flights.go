package fetch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

var errClosed = errors.New("the fetcher is closed")

// flights lets all who ask the same question at the same time wait for one
// download. A flight belongs to none of its callers: it goes on while anybody
// waits, and for a grace after that.
type flights struct {
	grace time.Duration
	fly   func(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error)

	mu     sync.Mutex
	byReq  map[upstream.Request]*flight
	closed bool
	all    sync.WaitGroup // flights and their keepers
}

type flight struct {
	req    upstream.Request
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when what follows is set

	resp  *upstream.Response // its Body is the flight's own hold on the spool
	spool *cache.Spool
	err   error

	// Under flights.mu.
	waiting int
	kept    bool        // somebody waits in the background
	landing *time.Timer // ends the flight if nobody comes back
}

func newFlights(grace time.Duration, fly func(context.Context, upstream.Request) (*upstream.Response, *cache.Spool, error)) *flights {
	return &flights{grace: max(0, grace), fly: fly, byReq: map[upstream.Request]*flight{}}
}

// wait joins the flight for req and returns what it brings. It stops waiting
// when ctx ends or late delivers.
func (fs *flights) wait(ctx context.Context, req upstream.Request, late <-chan time.Time) (*upstream.Response, error) {
	fs.mu.Lock()
	f, err := fs.join(ctx, req)
	fs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer fs.leave(f)
	select {
	case <-f.done:
		return f.answer()
	case <-ctx.Done():
		return nil, upstream.ContextError(ctx, req, "")
	case <-late:
		return nil, &upstream.Error{Class: upstream.Timeout, Request: req, Err: errLate}
	}
}

var errLate = errors.New("no new answer yet; it is fetched in the background")

// answer returns the flight's outcome, with a body of the caller's own.
func (f *flight) answer() (*upstream.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	resp := *f.resp
	resp.Body = f.spool.Reader(context.Background()) // the spool is complete
	return &resp, nil
}

// keep starts a flight for req, or joins the one there is, and stays with it in
// the background for up to limit. A flight needs only one such keeper.
func (fs *flights) keep(ctx context.Context, req upstream.Request, limit time.Duration) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.byReq[req]; f != nil && f.kept {
		return
	}
	f, err := fs.join(ctx, req)
	if err != nil {
		return
	}
	f.kept = true
	fs.all.Go(func() {
		defer fs.leave(f)
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-f.done:
		case <-timer.C:
		}
	})
}

// join returns the flight for req, started if there was none, with one more
// waiter, who must leave it. What ctx carries is the first waiter's; its end is
// not the flight's. mu is held.
func (fs *flights) join(ctx context.Context, req upstream.Request) (*flight, error) {
	if fs.closed {
		return nil, &upstream.Error{Class: upstream.Canceled, Request: req, Err: errClosed}
	}
	f := fs.byReq[req]
	if f == nil {
		f = &flight{req: req, done: make(chan struct{})}
		ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
		fs.byReq[req] = f
		fs.all.Go(func() { fs.run(ctx, f) })
	}
	f.waiting++
	if f.landing != nil {
		f.landing.Stop()
		f.landing = nil
	}
	return f, nil
}

func (fs *flights) run(ctx context.Context, f *flight) {
	defer f.cancel(nil)
	f.resp, f.spool, f.err = fs.fly(ctx, f.req)

	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.forget(f)
	close(f.done)
	f.drop()
}

// leave takes one waiter off. When nobody is left, a flight that is over drops
// what it holds, and another has until the end of the grace.
func (fs *flights) leave(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.waiting--
	if f.waiting > 0 {
		return
	}
	select {
	case <-f.done:
		f.drop()
	default:
		if !fs.closed {
			f.landing = time.AfterFunc(fs.grace, func() { fs.abandon(f) })
		}
	}
}

// drop lets go of the content when the last waiter has taken it; mu is held.
func (f *flight) drop() {
	if f.waiting == 0 && f.resp != nil {
		f.resp.Body.Close()
	}
}

// abandon ends a flight that nobody came back to. Whoever asks from now on gets
// another one.
func (fs *flights) abandon(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiting == 0 {
		fs.forget(f)
		f.cancel(context.Canceled)
	}
}

// forget takes f out of the map, unless another flight has taken its place
// there; mu is held.
func (fs *flights) forget(f *flight) {
	if fs.byReq[f.req] == f {
		delete(fs.byReq, f.req)
	}
}

// close ends all flights and waits for them. No flight starts afterwards.
func (fs *flights) close() {
	fs.mu.Lock()
	fs.closed = true
	for _, f := range fs.byReq {
		if f.landing != nil {
			f.landing.Stop()
		}
		f.cancel(errClosed)
	}
	fs.mu.Unlock()
	fs.all.Wait()
}
