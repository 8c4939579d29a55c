package fetch

import (
	"context"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

type lockedKey struct{}

// lockWait bounds the wait for another process: it may have sources that hang, or
// hang itself, while ours are well.
const lockWait = 10 * time.Second

// isNested reports whether the call comes from a flight that holds a lock.
func isNested(ctx context.Context) bool { return ctx.Value(lockedKey{}) != nil }

// lockAcross waits until no other process that shares the store is fetching the
// file: then it may be there. Where there is no such lock, or it cannot be had,
// the file is fetched all the same. What was relayed by another proxy, or comes
// from a flight that holds the lock, does not wait: it might be for itself.
func (c *core) lockAcross(ctx context.Context, req upstream.Request) (context.Context, func()) {
	if held, _ := ctx.Value(lockedKey{}).(upstream.Request); held == req || isRelayed(ctx) {
		return ctx, func() {}
	}
	waiting, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	unlock, err := cache.Lock(waiting, c.store, req.Key())
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("no lock on the cache in time; the file may be fetched twice", "key", req.Key(), "error", err)
		}
		return ctx, func() {}
	}
	return context.WithValue(ctx, lockedKey{}, req), unlock
}
