package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/cache"
)

// checkLister wants exactly what is there, also where visit deletes it.
func checkLister(ctx context.Context, s cache.Store) error {
	l, ok := s.(cache.Lister)
	if !ok {
		return nil
	}
	if err := wantListed(ctx, l); err != nil {
		return fmt.Errorf("of an empty store: %w", err)
	}
	keys := []string{listKey, modKey, "example.com/other", "z"}
	for _, key := range keys {
		if err := putSample(ctx, s, key, 1); err != nil {
			return err
		}
	}
	if err := wantListed(ctx, l, keys...); err != nil {
		return err
	}
	for _, enough := range []error{errors.New("enough"), fs.SkipDir, fs.SkipAll} {
		visits := 0
		err := l.List(ctx, func(string) error { visits++; return enough })
		if !errors.Is(err, enough) || visits != 1 {
			return fmt.Errorf("List whose visit returns %v: %w after %d visits", enough, err, visits)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := l.List(gone, func(string) error { return nil }); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("List after its context has ended: %w", err)
	}
	d, ok := s.(cache.Deleter)
	if !ok {
		return nil
	}
	err := l.List(ctx, func(key string) error { return d.Delete(ctx, key) })
	return errors.Join(err, wantListed(ctx, l))
}

func wantListed(ctx context.Context, l cache.Lister, want ...string) error {
	var got []string
	if err := l.List(ctx, func(key string) error { got = append(got, key); return nil }); err != nil {
		return fmt.Errorf("List: %w", err)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		return fmt.Errorf("List gives %q, want %q", got, want)
	}
	return nil
}

// checkLocker wants one holder of a key at a time, in whose way no other key is.
func checkLocker(ctx context.Context, s cache.Store) error {
	l, ok := s.(cache.Locker)
	if !ok {
		return nil
	}
	unlock, err := l.Lock(ctx, modKey)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithCancelCause(ctx)
	enough := errors.New("waited enough")
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		second, err := l.Lock(waiting, modKey)
		if err == nil {
			second()
		}
		ended <- err
	}()
	other, err := l.Lock(ctx, listKey)
	if err != nil {
		return err
	}
	other()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		return fmt.Errorf("Lock of what is locked, when its context ends: %w", err)
	}
	unlock()
	var inside atomic.Int32
	var tasks []func() error
	for range writers {
		tasks = append(tasks, func() error {
			for range rounds {
				unlock, err := l.Lock(ctx, modKey)
				if err != nil {
					return err
				}
				n := inside.Add(1)
				_, err = wantSomeVersion(ctx, s, modKey, 0) // takes its time
				inside.Add(-1)
				unlock()
				unlock() // frees nobody else's
				if n != 1 || err != nil {
					return fmt.Errorf("%d hold one lock at once (%w)", n, err)
				}
			}
			return nil
		})
	}
	return atOnce(tasks...)
}
