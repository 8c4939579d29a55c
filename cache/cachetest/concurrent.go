package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/cache"
)

const (
	sharedKey = "example.com/shared/@v/list"
	writers   = 4
	rounds    = 20
)

// checkOneKeyAtOnce has many goroutines put and get one key. Every entry that
// is found must be one of those put, whole, and with its own meta.
func checkOneKeyAtOnce(ctx context.Context, s cache.Store) error {
	var writing atomic.Int32
	writing.Store(writers)
	var tasks []func() error
	for w := range writers {
		tasks = append(tasks,
			func() error {
				defer writing.Add(-1)
				return putRounds(ctx, s, w)
			},
			func() error {
				for writing.Load() > 0 {
					if _, err := wantSomeVersion(ctx, s, sharedKey, writers*rounds); err != nil {
						return err
					}
				}
				return nil
			},
		)
	}
	if err := atOnce(tasks...); err != nil {
		return err
	}
	// Writers at once may leave a miss, but nothing that keeps the next out.
	if err := putSample(ctx, s, sharedKey, 0); err != nil {
		return err
	}
	return wantSample(ctx, s, sharedKey, 0)
}

func putRounds(ctx context.Context, s cache.Store, writer int) error {
	for i := range rounds {
		if err := putSample(ctx, s, sharedKey, writer*rounds+i); err != nil {
			return err
		}
		if d, ok := s.(cache.Deleter); ok && i%10 == 5 {
			if err := d.Delete(ctx, sharedKey); err != nil {
				return fmt.Errorf("Delete: %w", err)
			}
		}
	}
	return nil
}

// wantSomeVersion gets an entry that may be any of the samples up to that
// version or a miss, and reports whether it is there.
func wantSomeVersion(ctx context.Context, s cache.Store, key string, last int) (bool, error) {
	e, err := s.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, missError(key, err)
	}
	if err != nil {
		return false, fmt.Errorf("Get(%.100q): %w", key, err)
	}
	defer e.Body.Close()
	version := versionOf(e)
	if version < 0 || version > last {
		return true, fmt.Errorf("Get(%.100q) found what nobody put: %+v", key, e.Meta)
	}
	if err := compare(e, sample(key, version), sampleMeta(version)); err != nil {
		return true, fmt.Errorf("Get(%.100q): %w", key, err)
	}
	return true, nil
}

// checkManyKeysAtOnce has each goroutine write its own keys and look at those
// of all.
func checkManyKeysAtOnce(ctx context.Context, s cache.Store) error {
	const keys = 20
	name := func(writer, i int) string { return fmt.Sprintf("many/%d/%d.info", i, writer) }
	var tasks []func() error
	for w := range writers {
		tasks = append(tasks, func() error {
			for i := range keys {
				if err := putSample(ctx, s, name(w, i), i); err != nil {
					return err
				}
				if err := wantSample(ctx, s, name(w, i), i); err != nil {
					return err
				}
				if _, err := wantSomeVersion(ctx, s, name((w+1)%writers, i), keys); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return atOnce(tasks...)
}

// atOnce runs tasks in goroutines of their own and joins what they return. A
// panic in one is an error like any other.
func atOnce(tasks ...func() error) error {
	errs := make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, task := range tasks {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					errs[i] = fmt.Errorf("panic: %v", r)
				}
			}()
			errs[i] = task()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
