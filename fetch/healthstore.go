package fetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// storeReuse is for how long the outcome of a look-up is what others are told, too.
const storeReuse = time.Second

// A storeCheck finds out whether a store answers, by one look-up at a time.
type storeCheck struct {
	client *Client
	limit  time.Duration // what a look-up may take

	mu     sync.Mutex
	latest *lookUpTry // nil before the first
}

// A lookUpTry is a look-up that is under way or has ended.
type lookUpTry struct {
	begun time.Time
	done  chan struct{} // closed at the end

	// When done is closed:
	ended time.Time
	err   error
}

// ability reports whether the store answers. It waits no longer than the limit counts
// from the begin of the look-up, be that one of somebody else.
func (s *storeCheck) ability(ctx context.Context) Ability {
	try := s.try()
	if try == nil {
		return closedHealth().Serve
	}
	if err := try.wait(ctx, s.limit); err != nil {
		return Ability{Reason: s.reason(err), Err: err}
	}
	return Ability{OK: true, Reason: "the store answers"}
}

// try returns the look-up to wait for, which it begins if there is none; nil if the
// Client was closed. A store that hangs is left with the one look-up.
func (s *storeCheck) try() *lookUpTry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.latest; t != nil && !(t.hasEnded() && time.Since(t.ended) >= storeReuse) {
		return t
	}
	t := &lookUpTry{begun: time.Now(), done: make(chan struct{})}
	if !s.client.own(func() { s.ping(t) }) {
		return nil
	}
	s.latest = t
	return t
}

func (t *lookUpTry) hasEnded() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// wait returns the outcome, for which it waits until limit after the begin.
func (t *lookUpTry) wait(ctx context.Context, limit time.Duration) error {
	if t.hasEnded() {
		return t.err // which limit may be over since
	}
	late := time.NewTimer(limit - time.Since(t.begun))
	defer late.Stop()
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNotAwaited, context.Cause(ctx))
	case <-late.C:
		return errStoreSlow
	}
}

var (
	errStoreSlow   = errors.New("the store gives no answer")
	errStoreBroken = errors.New("the store ended the goroutine")
	errNotAwaited  = errors.New("whoever asked did not wait for the store's answer")
)

// ping makes the look-up. What comes after the limit is no answer any more. A panic of
// a store of the embedder's must not end the program here, where no server catches it.
func (s *storeCheck) ping(t *lookUpTry) {
	t.err = errStoreBroken
	defer func() {
		if p := recover(); p != nil {
			t.err = fmt.Errorf("the store panicked: %v", p)
		}
		t.ended = time.Now()
		close(t.done)
	}()
	ctx, cancel := context.WithTimeoutCause(context.Background(), s.limit, errStoreSlow)
	defer cancel()
	err := cache.Ping(ctx, s.client.store)
	if ctx.Err() != nil {
		err = errStoreSlow
	}
	t.err = err
}

// reason says what the matter is without the names of files.
func (s *storeCheck) reason(err error) string {
	if errors.Is(err, errNotAwaited) {
		return errNotAwaited.Error()
	}
	if errors.Is(err, errStoreSlow) {
		return fmt.Sprintf("the store gives no answer within %v", s.limit)
	}
	if errors.Is(err, cache.ErrGated) {
		return "the store has failed, and is left alone for now"
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return "the store cannot be read: " + errno.Error()
	}
	return "the store cannot be read"
}

// own runs f in a goroutine that Close waits for; false if the Client was closed.
func (c *Client) own(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.closing.Load() {
		return false
	}
	c.retire.Go(f)
	return true
}
