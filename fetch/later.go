package fetch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// laterPause is how long what is kept apart waits between attempts to verify it.
const laterPause = 30 * time.Second

// maxLater bounds how many files wait to be verified in the background. What is
// not among them is verified when it is asked for.
const maxLater = 4096

// later verifies files that were handed out while the Verifier could not be
// asked. It is the Client's, so that they still wait when it is reconfigured. Its
// goroutine runs only while there are any.
type later struct {
	try    func(ctx context.Context, req upstream.Request) (done bool)
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting map[upstream.Request]bool
	running bool
	closed  bool
	all     sync.WaitGroup
}

// verifyLate tries to verify a file by the present options, and reports whether it need
// not wait any more. What another core is asked just when that is replaced waits on.
func (c *Client) verifyLate(ctx context.Context, req upstream.Request) (done bool) {
	now := c.core.Load()
	switch {
	case now.opts.Offline:
		return false
	case !now.mustVerify(req) || now.refuse(req) != nil:
		return true
	}
	resp, err := now.flights.wait(ctx, req, waiting{})
	closeBody(resp)
	_, unverified := errors.AsType[heldUnverified](err)
	return !unverified && !errors.Is(err, errClosed)
}

func newLater(try func(context.Context, upstream.Request) bool) *later {
	l := &later{try: try, waiting: map[upstream.Request]bool{}}
	background := upstream.WithPriority(context.Background(), func() upstream.Priority { return upstream.Background })
	l.ctx, l.cancel = context.WithCancel(background)
	return l
}

func (l *later) add(req upstream.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= maxLater {
		return
	}
	l.waiting[req] = true
	if !l.running {
		l.running = true
		l.all.Go(l.run)
	}
}

func (l *later) run() {
	timer := time.NewTimer(laterPause)
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-timer.C:
		}
		for _, req := range l.list() {
			if l.ctx.Err() == nil && l.try(l.ctx, req) {
				l.remove(req)
			}
		}
		if l.idle() {
			return
		}
		timer.Reset(laterPause)
	}
}

func (l *later) list() []upstream.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []upstream.Request
	for req := range l.waiting {
		all = append(all, req)
	}
	return all
}

func (l *later) remove(req upstream.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, req)
}

// count returns how many files wait.
func (l *later) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// idle ends the run if nothing is waiting.
func (l *later) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = len(l.waiting) > 0
	return !l.running
}

func (l *later) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.all.Wait()
}
