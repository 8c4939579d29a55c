package cachetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/breakwater-go/breakwater/cache"
)

// checkFlusher flushes at every turn: what is found is the same before and after,
// and where nothing waits there is nothing to do.
func checkFlusher(ctx context.Context, s cache.Store) error {
	f, ok := s.(cache.Flusher)
	if !ok {
		return nil
	}
	flush := func(when string) error {
		if err := f.Flush(ctx); err != nil {
			return fmt.Errorf("Flush %s: %w", when, err)
		}
		return nil
	}
	err := errors.Join(
		flush("of an empty store"),
		putSample(ctx, s, modKey, 1), putSample(ctx, s, modKey, 2), wantSample(ctx, s, modKey, 2),
		flush("after Put"), wantSample(ctx, s, modKey, 2),
		flush("when nothing waits"),
	)
	d, ok := s.(cache.Deleter)
	if err != nil || !ok {
		return err
	}
	return errors.Join(
		putSample(ctx, s, modKey, 3), d.Delete(ctx, modKey), wantMiss(ctx, s, modKey),
		flush("after Delete"), wantMiss(ctx, s, modKey),
	)
}
