package fetch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	lru "github.com/hashicorp/golang-lru/v2"
)

// prefetchAgain is how long a file is left alone that was fetched ahead, or looked
// for, whatever came of it. So the requirements of a go.mod file that is asked for all
// the time are seen to once in a while.
const prefetchAgain = 10 * time.Minute

// A prefetch fetches what the answers to callers make likely to be asked for
// next, into the store. It is a core's: the next one has other sources, and what
// waits is forgotten with this one. A goroutine runs for each file that is being
// fetched, and none else.
type prefetch struct {
	core   *core
	opts   PrefetchOptions
	ctx    context.Context
	cancel context.CancelFunc
	recent *lru.Cache[upstream.Request, doneErrand]

	mu     sync.Mutex
	queue  []errand
	busy   int
	closed bool
	all    sync.WaitGroup
}

// An errand is one go.mod file to fetch, and to follow.
type errand struct {
	req     upstream.Request
	asked   bool // a caller got it: it is followed whatever it says of pruning
	trigger *trigger
}

type doneErrand struct {
	asked bool
	at    time.Time
}

// A trigger is the answer that errands follow from.
type trigger struct {
	via  string       // of the caller's request: what leads back to him does so at once
	left atomic.Int64 // how many more errands may follow
	over atomic.Bool  // none does any more: a source failed
}

// newPrefetch returns nil, which fetches nothing, where the options do not ask
// for it.
func newPrefetch(c *core) *prefetch {
	if c.opts.Prefetch == nil || c.opts.Offline {
		return nil
	}
	recent, _ := lru.New[upstream.Request, doneErrand](maxRemembered) // fails only for a size below 1
	p := &prefetch{core: c, opts: c.opts.Prefetch.withDefaults(), recent: recent}
	background := upstream.WithPriority(context.Background(), func() upstream.Priority { return upstream.Background })
	p.ctx, p.cancel = context.WithCancel(context.WithValue(background, prefetchKey{}, true))
	return p
}

// offer takes an errand, unless it is done already or beyond the bounds.
func (p *prefetch) offer(e errand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || e.trigger.over.Load() {
		return
	}
	if done, ok := p.recent.Get(e.req); ok && (done.asked || !e.asked) && time.Since(done.at) < prefetchAgain {
		return
	}
	if len(p.queue) >= p.opts.Queue || e.trigger.left.Add(-1) < 0 {
		p.core.watch.counts.prefetch.dropped.Add(1)
		return
	}
	p.recent.Add(e.req, doneErrand{e.asked, time.Now()})
	p.queue = append(p.queue, e)
	p.start()
}

// start begins what waits, as far as there are places; mu is held.
func (p *prefetch) start() {
	for p.busy < p.opts.AtOnce && len(p.queue) > 0 && !p.closed {
		next := p.queue[0]
		p.queue[0] = errand{} // or its trigger would stay for as long as the array does
		p.queue = p.queue[1:]
		p.busy++
		p.all.Go(func() {
			defer p.end() // also if a store ends the goroutine
			p.runSafely(next)
		})
	}
}

func (p *prefetch) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.start()
}

// runSafely keeps a store that panics from ending the program: here is no caller
// whose goroutine it could be.
func (p *prefetch) runSafely(e errand) {
	defer func() {
		if panicked := recover(); panicked != nil {
			p.failed(e, fmt.Errorf("panic: %v", panicked))
			p.core.log.Error("a prefetch panicked", "key", e.req.Key(), "panic", panicked, "stack", string(debug.Stack()))
		}
	}()
	p.run(e)
}

// run fetches the file as a caller would have it fetched: by the same routes and
// with the same checks, or from the store.
func (p *prefetch) run(e errand) {
	if e.trigger.over.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(upstream.WithVia(p.ctx, e.trigger.via), refreshLimit)
	defer cancel()
	resp, err := p.core.fetch(ctx, e.req)
	if err != nil {
		p.failed(e, err)
		return
	}
	defer resp.Body.Close()
	if !resp.Cached && !resp.Collapsed {
		p.core.watch.counts.prefetch.fetched.Add(1)
	}
	p.follow(e, resp)
}

// failed has nothing more follow from an answer when a source fails: then it has
// enough to do with callers.
func (p *prefetch) failed(e errand, err error) {
	if p.ctx.Err() != nil {
		return
	}
	p.core.watch.counts.prefetch.failed.Add(1)
	p.core.log.Debug("a prefetch failed", "key", e.req.Key(), "error", err)
	switch upstream.ClassOf(err) {
	case upstream.NotFound, upstream.Denied:
	default:
		e.trigger.over.Store(true)
	}
}

// waiting returns how many files wait to be fetched.
func (p *prefetch) waiting() int {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue)
}

// close forgets what waits, stops waiting for what is under way, which is the
// flights' to end, and waits for the goroutines. Closing again does nothing.
func (p *prefetch) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.closed = true
	p.queue = nil
	p.mu.Unlock()
	p.cancel()
	p.all.Wait()
}
