package fetch

import (
	"context"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

type lockedKey struct{}

// lockAcross waits until no other process that shares the store is fetching the
// file: then it may be there. Where there is no such lock, or it cannot be had,
// the file is fetched all the same. What was relayed by another proxy, or comes
// from a flight that holds the lock, does not wait: it might be for itself.
func (c *core) lockAcross(ctx context.Context, req upstream.Request) (context.Context, func()) {
	if held, _ := ctx.Value(lockedKey{}).(upstream.Request); held == req || isRelayed(ctx) {
		return ctx, func() {}
	}
	unlock, err := cache.Lock(ctx, c.store, req.Key())
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("locking the cache failed; another process may fetch the same", "key", req.Key(), "error", err)
		}
		return ctx, func() {}
	}
	return context.WithValue(ctx, lockedKey{}, req), unlock
}
