package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func expired() context.Context {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	cancel() // its time has passed already, and stays the reason
	return ctx
}

// ended checks that a caller who has gone is told so, and is not told that
// something does not exist.
func (t *tester) ended(req upstream.Request, ctx func() context.Context, class upstream.Class, target error) error {
	r, err := t.fetch(ctx(), req)
	if err != nil {
		return err
	}
	if r.err == nil {
		r.resp.Body.Close()
		return fmt.Errorf("served under a ctx that had ended with %q", target)
	}
	e, err := named(r.err, req)
	if err != nil {
		return err
	}
	if e.Class != class {
		return fmt.Errorf("ctx had ended, but the error is of class %q, want %q: %w", e.Class, class, r.err)
	}
	if !errors.Is(r.err, target) {
		return fmt.Errorf("errors.Is(err, %q) is false for %w", target, r.err)
	}
	return nil
}

func (t *tester) refusesZero() error {
	r, err := t.fetch(context.Background(), upstream.Request{})
	if err != nil {
		return err
	}
	if r.err == nil {
		r.resp.Body.Close()
		return errors.New("served")
	}
	_, err = named(r.err, upstream.Request{})
	return err
}

// atOnce asks for everything from many goroutines. Under the race detector it
// also finds what the answers do not show.
func (t *tester) atOnce() {
	const callers = 8
	errs := make([]error, callers*len(t.files))
	missing := make([]error, callers)
	var group sync.WaitGroup
	for c := range callers {
		for i, f := range t.files {
			group.Go(func() { errs[c*len(t.files)+i] = t.whole(f) })
		}
		group.Go(func() { missing[c] = t.notFound(absentModule()) })
	}
	group.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, errSkipped) {
			t.report(t.files[i%len(t.files)].req, fmt.Errorf("asked by many at once: %w", err))
			return // one is enough: the others are most likely the same
		}
	}
	for _, err := range missing {
		if err != nil && !errors.Is(err, errSkipped) {
			t.report(absentModule(), fmt.Errorf("asked by many at once: %w", err))
			return
		}
	}
}
