package fetch

import (
	"cmp"
	"context"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A cargo is what a flight brings.
type cargo struct {
	resp  *upstream.Response // its Body is a hold on the spool
	spool *cache.Spool

	// settle stores it. That is for after those who wait have their answer, who need
	// not wait for a disk, too. It is called once; nil: there is nothing to do.
	settle func()
}

// settleNow stores the cargo.
func (b *cargo) settleNow() {
	store := b.settle
	b.settle = nil
	store()
}

// load completes the response of what was downloaded, and makes it ready to be stored
// under key.
func (c *core) load(ctx context.Context, brought *cargo, key string, req upstream.Request, took time.Duration) {
	resp, spool := brought.resp, brought.spool
	meta := cache.Meta{
		Fetched: time.Now(), ModTime: resp.ModTime, Origin: cmp.Or(resp.Origin, resp.Source), Verified: resp.Verified,
		Took: took,
	}
	if resp.Stale != nil {
		meta.Fetched = resp.Fetched // a Fetcher behind us had nothing newer: it does not get younger here
	}
	digest, _ := spool.Digest()
	resp.Size, resp.Digest = spool.Size(), digest.String()
	resp.Origin, resp.Fetched, resp.Cached = meta.Origin, meta.Fetched, false
	ctx = context.WithoutCancel(ctx) // the bytes are here: they are kept even if nobody waits any more
	brought.settle = func() {
		c.commit(ctx, key, Commit{Request: req, Size: spool.Size(), Verified: meta.Verified}, spool, meta)
	}
}

// commit stores what was downloaded. That the store fails is no caller's problem.
func (c *core) commit(ctx context.Context, key string, told Commit, spool *cache.Spool, meta cache.Meta) {
	begun := time.Now()
	err := cache.Commit(ctx, c.store, key, spool, meta)
	told.Took, told.Err = time.Since(begun), err
	c.watch.committed(ctx, told)
	if err != nil {
		c.storing.failed(unstoredIn(c.store, key, err))
		c.watch.degraded(ctx, Degradation{told.Request, CacheUnwritable, err})
		c.log.Warn("storing a download failed; callers get it all the same", "key", key, "error", err)
	}
}
