package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// A lookUp finds what is under a key, and reports whether there is something.
type lookUp func(key string) bool

// A hitting makes ready what takes the time of some hits per round.
type hitting func(ctx context.Context, hits int) (func(context.Context) (sample, error), error)

// memoryHitSides compares hits in a store of n entries with others.
func memoryHitSides(ctx context.Context, e *env, n int, limit hitting) (*sides, error) {
	if err := tooLarge(e, n); err != nil {
		return nil, err
	}
	hits := e.size(200_000, 50_000)
	ours, err := storeHits(n)(ctx, hits)
	if err != nil {
		return nil, err
	}
	beside, err := limit(ctx, hits)
	return &sides{ours: ours, limit: beside}, err
}

// storeHits are hits in a memory store of n entries.
func storeHits(n int) hitting {
	return func(ctx context.Context, hits int) (func(context.Context) (sample, error), error) {
		s, err := filledMemory(ctx, n, smallContent)
		return timeHits(n, hits, func(key string) bool { return cache.Hold(s, key) != nil }), err
	}
}

// mapHits are look-ups in a map of n entries, which knows nothing of a budget and is
// not safe to change: no store of them can be faster.
func mapHits(n int) hitting {
	return func(_ context.Context, hits int) (func(context.Context) (sample, error), error) {
		entries := map[string]*[]byte{}
		for i := range n {
			content := entryContent(i, smallContent)
			entries[entryKey(i)] = &content
		}
		return timeHits(n, hits, func(key string) bool { return len(*entries[key]) > 0 }), nil
	}
}

// errNoHit is the error of a look-up that found nothing.
var errNoHit = errors.New("a hit was a miss")

// timeHits looks up keys that are drawn among those of n entries.
func timeHits(n, hits int, found lookUp) func(context.Context) (sample, error) {
	keys := drawKeys(n, hits)
	return func(ctx context.Context) (sample, error) {
		begun := time.Now()
		for _, key := range keys {
			if !found(key) {
				return sample{}, fmt.Errorf("%s: %w", key, errNoHit)
			}
		}
		return sample{value: float64(time.Since(begun)) / float64(hits)}, ctx.Err()
	}
}
