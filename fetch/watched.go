package fetch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// watched tells of each call to a source, also of those that its circuit refuses,
// which it is around.
type watched struct {
	next    upstream.Upstream
	name    string
	watch   *watch
	failure atomic.Pointer[upstream.Attempt] // the latest
}

// watchSource is the middleware.
func (w *watch) watchSource(next upstream.Upstream) upstream.Upstream {
	return &watched{next: next, name: upstream.Name(next), watch: w}
}

func (w *watched) Unwrap() upstream.Upstream { return w.next }

func (w *watched) Fetch(ctx context.Context, req upstream.Request) (resp *upstream.Response, err error) {
	trace := w.watch.trace()
	a := upstream.Attempt{Source: w.name, Request: req, Begun: time.Now()}
	if trace.AttemptStart != nil {
		ctx = trace.AttemptStart(ctx, AttemptStart{a.Source, req, a.Begun})
	}
	asking, progress := upstream.WithProgress(ctx)
	err = errBroken // if the source ends the goroutine
	defer func() {
		a.Took = time.Since(a.Begun)
		if progress.Begun() {
			a.FirstByte = progress.Waited()
		}
		switch {
		case err != nil:
			a.Err = upstream.AsError(err, req, w.name)
			a.Outpaced = errors.Is(context.Cause(ctx), upstream.ErrOutpaced)
		case resp != nil:
			a.Size = max(0, resp.Size)
		}
		w.note(ctx, a)
		if trace.AttemptEnd != nil {
			trace.AttemptEnd(ctx, a)
		}
	}()
	return w.next.Fetch(asking, req)
}

// note keeps what others want to know of an attempt later.
func (w *watched) note(ctx context.Context, a upstream.Attempt) {
	storyOf(ctx).add(a)
	if a.Err == nil || a.Outpaced || errors.Is(a.Err, breaker.ErrOpen) {
		return
	}
	switch a.Err.Class {
	case upstream.NotFound, upstream.Canceled:
		return
	case upstream.Untrusted:
		w.watch.verified(ctx, Verification{Request: a.Request, Source: w.name, Err: a.Err})
	}
	w.failure.Store(&a)
}

// longestStory is how many attempts are kept of one flight.
const longestStory = 64

// A story is what was tried on one flight.
type story struct {
	mu       sync.Mutex
	attempts []upstream.Attempt // in the order in which they ended
}

type storyKey struct{}

func withStory(ctx context.Context) (context.Context, *story) {
	s := new(story)
	return context.WithValue(ctx, storyKey{}, s), s
}

func storyOf(ctx context.Context) *story {
	s, _ := ctx.Value(storyKey{}).(*story)
	return s
}

func (s *story) add(a upstream.Attempt) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attempts) == longestStory {
		s.attempts = slices.Delete(s.attempts, 0, 1)
	}
	s.attempts = append(s.attempts, a)
}

// told returns a flight's error with the story of it, before that of another flight
// which it came from.
func (s *story) told(err error) error {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok || e == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := *e
	out.Story = slices.Concat(s.attempts, e.Story)
	return &out
}
