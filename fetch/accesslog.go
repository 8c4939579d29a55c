package fetch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// Bounds of what waits in an [AccessLog].
const (
	accessPause = 100 * time.Millisecond
	accessLines = 1024
	accessBytes = 1 << 20 // of texts, which strangers choose
)

// An AccessLog writes what [LogAccess] writes, in the background, so that a request
// costs a copy of what its line will say. A line is written at most 100 ms after
// it came, or as soon as the logger's handler is done with those before. A crash
// loses what waits: it is no place for audit records.
//
// What waits is at most 1024 lines with 1 MiB of texts, and as much again is being
// written. When there is more, requests write their lines themselves, as with
// LogAccess, so that none is lost and a slow log slows down who fills it. Lines of
// about the same time may come in any order; each has the time of its answer.
//
// The logger's handler gets the request's context, which may have ended. It must
// not panic, which in the background ends the program. The methods may be called by
// many goroutines at once.
type AccessLog struct {
	write func(context.Context, Access)

	first chan struct{} // a line waits
	many  chan struct{} // so many do that it is time
	done  chan struct{} // closed by Close
	ended chan struct{} // closed when all is written

	mu      sync.Mutex
	waiting []accessLine
	bytes   int // of their texts
	closed  bool

	spare []accessLine // what waiting will be next; of the goroutine
}

type accessLine struct {
	ctx    context.Context
	access Access
}

// NewAccessLog returns an AccessLog that writes to log. Its Access is for
// [HandlerOptions]; several handlers may share it. The caller calls Close after the
// last request.
func NewAccessLog(log *slog.Logger) *AccessLog {
	l := &AccessLog{
		write: LogAccess(log),
		first: make(chan struct{}, 1), many: make(chan struct{}, 1),
		done: make(chan struct{}), ended: make(chan struct{}),
	}
	go l.run()
	return l
}

// Access has a line written for a request. After Close, or when too much waits, it
// writes the line itself.
func (l *AccessLog) Access(ctx context.Context, a Access) {
	if !l.add(ctx, a) {
		l.write(ctx, a)
	}
}

func (l *AccessLog) add(ctx context.Context, a Access) bool {
	a.Request, a.Err = upstream.Request{}, nil // no line has them, and they may hold much
	size := len(a.Method) + len(a.Path) + len(a.Caller) + len(a.Agent)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) == accessLines || l.bytes+size > accessBytes {
		return false
	}
	l.waiting = append(l.waiting, accessLine{ctx, a})
	l.bytes += size
	switch len(l.waiting) {
	case 1:
		signal(l.first)
	case accessLines / 2:
		signal(l.many)
	}
	return true
}

// signal leaves word for the goroutine, if there is none yet.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (l *AccessLog) run() {
	defer close(l.ended)
	for l.wait() {
		l.flush()
	}
	l.flush()
}

// wait waits until lines are to be written; it returns false when they are the last.
func (l *AccessLog) wait() bool {
	select {
	case <-l.first:
	case <-l.done:
		return false
	}
	pause := time.NewTimer(accessPause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-l.many:
	case <-l.done:
		return false
	}
	return true
}

func (l *AccessLog) flush() {
	l.mu.Lock()
	lines := l.waiting
	l.waiting, l.bytes = l.spare, 0
	l.mu.Unlock()
	for _, one := range lines {
		l.write(one.ctx, one.access)
	}
	clear(lines)
	l.spare = lines[:0]
}

// Close writes what waits and ends the goroutine. It waits for that until ctx ends,
// which is the error then; what waits is still written if the handler goes on.
// Closing again waits again.
func (l *AccessLog) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	l.mu.Unlock()
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("writing the rest of the access log: %w", context.Cause(ctx))
	}
}
