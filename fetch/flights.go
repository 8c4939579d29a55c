package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

var errClosed = errors.New("the fetcher is closed")

// flights lets all who ask the same question at the same time wait for one
// download. A flight belongs to none of its callers: it goes on while anybody
// waits, and for a grace after that.
type flights struct {
	grace   time.Duration
	log     *slog.Logger
	fly     func(ctx context.Context, req upstream.Request) (*cargo, error)
	storing *storing
	count   *atomic.Int64 // of those under way, also where nobody can join them any more

	mu     sync.Mutex
	byReq  map[question]*flight
	closed bool
	quiet  chan struct{}  // closed when there is no flight; nil if nobody wants to know
	all    sync.WaitGroup // flights and their keepers
}

// A question is what a flight answers. What came through another proxy does not
// wait for what did not: that might be waiting for this very answer, if two
// proxies have each other as sources.
type question struct {
	req     upstream.Request
	relayed bool
	nested  bool // it comes from another flight, which may hold the lock that others wait for
}

type flight struct {
	question
	cancel context.CancelCauseFunc
	begun  time.Time
	done   chan struct{} // closed when brought and err are set
	stored *stored       // the cargo, if it is stored after the landing

	wanted   atomic.Int32 // by how many who wait for it in person
	approach approach

	brought *cargo
	err     error

	// Under flights.mu.
	waiting int
	kept    bool        // somebody waits in the background
	landing *time.Timer // ends the flight if nobody comes back
}

// isRelayed reports whether the call came through another proxy than ours, which
// is then not the only hop in its Via.
func isRelayed(ctx context.Context) bool { return strings.Contains(upstream.Via(ctx), ",") }

func newFlights(grace time.Duration, log *slog.Logger, count *atomic.Int64, s *storing, fly func(context.Context, upstream.Request) (*cargo, error)) *flights {
	return &flights{
		grace: max(0, grace), log: log, count: count, fly: fly,
		byReq: map[question]*flight{}, storing: s,
	}
}

// waiting says how to wait for a flight.
type waiting struct {
	late <-chan time.Time // ends the waiting; nil: only ctx does
	keep bool             // the flight goes on for up to refreshLimit without waiters
}

// wait joins the flight for req and returns what it brings. It stops waiting
// when ctx ends.
func (fs *flights) wait(ctx context.Context, req upstream.Request, how waiting) (*upstream.Response, error) {
	fs.mu.Lock()
	f, joined, err := fs.join(ctx, req)
	if err == nil && how.keep {
		fs.keepUp(f)
	}
	fs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if upstream.PriorityOf(ctx) == upstream.Interactive {
		f.wanted.Add(1)
		defer f.wanted.Add(-1)
	}
	defer fs.leave(f)
	defer f.approach.watch(verify.ArrivalsOf(ctx))()
	select {
	case <-f.done:
		return f.answer(joined)
	case <-ctx.Done():
		return nil, upstream.ContextError(ctx, req, "")
	case <-how.late:
		return nil, &upstream.Error{Class: upstream.Timeout, Request: req, Err: errLate}
	}
}

// justLeft is how long after a flight has begun nobody looks again for what it was not
// able to find in the store: a crowd comes all at once. Later somebody else may have
// put it there.
const justLeft = 50 * time.Millisecond

// hasJustLeft reports whether there is a flight for req to join that has just begun.
func (fs *flights) hasJustLeft(ctx context.Context, req upstream.Request) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byReq[question{req, isRelayed(ctx), isNested(ctx, req)}]
	return f != nil && time.Since(f.begun) < justLeft
}

var errLate = errors.New("no new answer yet; it is fetched in the background")

// answer returns the flight's outcome, with a body of the caller's own, who has
// joined it or not.
func (f *flight) answer(joined bool) (*upstream.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	resp := *f.brought.resp
	resp.Collapsed = joined
	resp.Body = f.brought.spool.Reader(context.Background()) // the spool is complete
	return &resp, nil
}

// refresh starts a flight for req that nobody waits for, if there is none.
func (fs *flights) refresh(ctx context.Context, req upstream.Request) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f, _, err := fs.join(ctx, req); err == nil {
		fs.keepUp(f)
		f.waiting--
	}
}

// priority is that of the most urgent waiter.
func (f *flight) priority() upstream.Priority {
	if f.wanted.Load() > 0 {
		return upstream.Interactive
	}
	return upstream.Background
}

// keepUp gives the flight a waiter in the background, who stays for up to
// refreshLimit; one is enough. mu is held, and the flight has a waiter.
func (fs *flights) keepUp(f *flight) {
	if f.kept {
		return
	}
	f.kept = true
	f.waiting++
	fs.all.Go(func() {
		defer fs.leave(f)
		defer fs.unkeep(f)
		timer := time.NewTimer(refreshLimit)
		defer timer.Stop()
		select {
		case <-f.done:
		case <-timer.C:
		}
	})
}

func (fs *flights) unkeep(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.kept = false
}

// join returns the flight for req, started if there was none to join, with one
// more waiter, who must leave it. What ctx carries is the first waiter's; its end is
// not the flight's. mu is held.
func (fs *flights) join(ctx context.Context, req upstream.Request) (f *flight, joined bool, err error) {
	if fs.closed {
		return nil, false, &upstream.Error{Class: upstream.Canceled, Request: req, Err: errClosed}
	}
	q := question{req, isRelayed(ctx), isNested(ctx, req)}
	f, joined = fs.byReq[q]
	if !joined {
		f = &flight{question: q, begun: time.Now(), done: make(chan struct{})}
		ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(withoutNote(ctx)))
		ctx = upstream.WithPriority(ctx, f.priority)
		ctx = verify.WithArrivals(ctx, f.arrived)
		fs.byReq[q] = f
		fs.count.Add(1)
		fs.all.Go(func() { fs.run(ctx, f) })
	}
	f.waiting++
	if f.landing != nil {
		f.landing.Stop()
		f.landing = nil
	}
	return f, joined, nil
}

func (fs *flights) run(ctx context.Context, f *flight) {
	defer f.cancel(nil)
	fs.bring(ctx, f)
	if f.stored != nil {
		runtime.Gosched() // to those who were waiting, or this goroutine would keep the processor into the disk's calls
		fs.settle(f)
	}
}

// bring has the flight fly, and land.
func (fs *flights) bring(ctx context.Context, f *flight) {
	defer fs.land(f) // also if a source ends the goroutine
	defer f.approach.end()
	f.err = &upstream.Error{Request: f.req, Err: errors.New("a source ended the goroutine that asked it")}
	f.brought, f.err = fs.flySafely(ctx, f.req)
	if f.err != nil || f.brought.settle == nil {
		return
	}
	if f.stored = fs.storing.begin(f.req, f.brought); f.stored == nil {
		fs.storeFirst(f.brought, f.req)
	}
}

// land lets those who wait have what the flight brings.
func (fs *flights) land(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.forget(f)
	fs.count.Add(-1)
	close(f.done)
	f.drop()
}

// flySafely is the last resort against a panic, in a store or a Verifier of the
// embedder's: it ends this flight and not the program.
func (fs *flights) flySafely(ctx context.Context, req upstream.Request) (brought *cargo, err error) {
	defer fs.contain(req, &err)
	return fs.fly(ctx, req)
}

// contain makes an error of a panic.
func (fs *flights) contain(req upstream.Request, err *error) {
	if p := recover(); p != nil {
		*err = &upstream.Error{Request: req, Err: fmt.Errorf("panic: %v", p)}
		fs.log.Error("a flight panicked", "key", req.Key(), "panic", p, "stack", string(debug.Stack()))
	}
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
	if f.waiting == 0 && f.brought != nil {
		f.brought.resp.Body.Close()
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
	if fs.byReq[f.question] == f {
		delete(fs.byReq, f.question)
	}
	fs.hush()
}

// hush tells who waits for it that there is no flight; mu is held.
func (fs *flights) hush() {
	if fs.quiet != nil && len(fs.byReq) == 0 {
		close(fs.quiet)
		fs.quiet = nil
	}
}

// idle returns a channel that is closed when there is no flight, if only for a
// moment. It is for one who is about to close.
func (fs *flights) idle() <-chan struct{} {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	quiet := make(chan struct{})
	fs.quiet = quiet
	fs.hush()
	return quiet
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
