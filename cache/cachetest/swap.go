package cachetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/cache"
)

func checkSwapper(ctx context.Context, s cache.Store) error {
	sw, ok := s.(cache.Swapper)
	if !ok {
		return nil
	}
	swap := func(old []byte, version int) error {
		return sw.Swap(ctx, sharedKey, old, sample(sharedKey, version), sampleMeta(version))
	}
	// Where there is no entry, nothing but nil is expected there.
	for _, old := range [][]byte{{}, sample(sharedKey, 1)} {
		if err := wantConflict(swap(old, 1)); err != nil {
			return fmt.Errorf("of %d bytes that are not there: %w", len(old), err)
		}
	}
	if err := errors.Join(wantMiss(ctx, s, sharedKey), swap(nil, 1), wantSample(ctx, s, sharedKey, 1)); err != nil {
		return fmt.Errorf("of nothing: %w", err)
	}
	for name, old := range map[string][]byte{
		"nothing": nil, "no bytes": {}, "other bytes": sample(sharedKey, 2), "half of them": sample(sharedKey, 1)[:sampleSize/2],
	} {
		if err := errors.Join(wantConflict(swap(old, 3)), wantSample(ctx, s, sharedKey, 1)); err != nil {
			return fmt.Errorf("of an entry where %s is expected: %w", name, err)
		}
	}
	if err := errors.Join(swap(sample(sharedKey, 1), 2), wantSample(ctx, s, sharedKey, 2)); err != nil {
		return fmt.Errorf("of the entry: %w", err)
	}
	// What Put stores is expected like what Swap stores.
	if err := errors.Join(putSample(ctx, s, sharedKey, 4), wantConflict(swap(sample(sharedKey, 2), 5)),
		swap(sample(sharedKey, 4), 5), wantSample(ctx, s, sharedKey, 5)); err != nil {
		return fmt.Errorf("after Put: %w", err)
	}
	return checkEmptySwap(ctx, sw)
}

// checkEmptySwap tells an entry of no bytes from none.
func checkEmptySwap(ctx context.Context, s cache.Swapper) error {
	err := errors.Join(
		s.Swap(ctx, listKey, nil, []byte{}, sampleMeta(1)),
		wantConflict(s.Swap(ctx, listKey, nil, sample(listKey, 1), sampleMeta(1))),
		wantEntry(ctx, s, listKey, []byte{}, sampleMeta(1)),
		s.Swap(ctx, listKey, []byte{}, sample(listKey, 1), sampleMeta(1)),
		wantSample(ctx, s, listKey, 1),
	)
	if err != nil {
		return fmt.Errorf("of an entry of no bytes: %w", err)
	}
	return nil
}

func wantConflict(err error) error {
	if !errors.Is(err, cache.ErrConflict) {
		return fmt.Errorf("Swap: %v, want %q", err, cache.ErrConflict)
	}
	return nil
}

// checkSwapsAtOnce has many goroutines replace the same entry, over and over:
// each time one of them succeeds, and its entry is what is found.
func checkSwapsAtOnce(ctx context.Context, s cache.Store) error {
	sw, ok := s.(cache.Swapper)
	if !ok {
		return nil
	}
	var old []byte
	for round := range rounds {
		var won atomic.Int32
		winner := -1
		var tasks []func() error
		for w := range writers {
			tasks = append(tasks, func() error {
				version := round*writers + w
				err := sw.Swap(ctx, sharedKey, old, sample(sharedKey, version), sampleMeta(version))
				if err != nil {
					return wantConflict(err)
				}
				if won.Add(1) == 1 {
					winner = version
				}
				return nil
			})
		}
		if err := atOnce(tasks...); err != nil {
			return err
		}
		if won.Load() != 1 {
			return fmt.Errorf("%d of %d Swaps that expect the same entry succeeded, want 1", won.Load(), writers)
		}
		if err := wantSample(ctx, s, sharedKey, winner); err != nil {
			return fmt.Errorf("after the Swap that succeeded: %w", err)
		}
		old = sample(sharedKey, winner)
	}
	return nil
}
