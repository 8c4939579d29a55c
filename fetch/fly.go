package fetch

import (
	"context"
	"errors"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// errAtHand is a flight's outcome when the store got the answer between a
// caller's look and the flight's start.
var errAtHand = errors.New("the answer is in the cache by now")

// fly is what a flight does: it asks the sources and stores what they bring.
// The response's Body reads the spool.
func (c *Client) fly(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error) {
	if held, state := c.lookUp(ctx, req); held != nil {
		held.Body.Close()
		if state == fresh {
			return nil, nil, errAtHand
		}
	}
	resp, err := c.source.Fetch(ctx, req)
	if err != nil {
		e := upstream.AsError(err, req, "")
		c.rememberFailure(req, e)
		return nil, nil, e
	}
	body, ok := resp.Body.(*cache.SpoolReader)
	if !ok {
		resp.Body.Close()
		return nil, nil, &upstream.Error{Request: req, Source: resp.Source, Err: errors.New("the answer did not come through the spool")}
	}
	spool := body.Spool()
	meta := cache.Meta{Fetched: time.Now(), ModTime: resp.ModTime, Origin: resp.Source, Verified: resp.Verified}
	if resp.Stale != nil {
		meta.Fetched = resp.Fetched // a Fetcher behind us had nothing newer: it does not get younger here
	}
	// The bytes are here: they are kept even if nobody waits any more.
	if err := cache.Commit(context.WithoutCancel(ctx), c.store, req.Key(), spool, meta); err != nil {
		c.log.Warn("storing a download failed; callers get it all the same", "key", req.Key(), "error", err)
	}
	digest, _ := spool.Digest()
	resp.Size, resp.Digest = spool.Size(), digest.String()
	resp.Origin, resp.Fetched, resp.Cached = meta.Origin, meta.Fetched, false
	return resp, spool, nil
}

// join waits for the flight for req. late, if not nil, ends the waiting.
func (c *Client) join(ctx context.Context, req upstream.Request, late <-chan time.Time) (*upstream.Response, error) {
	resp, err := c.flights.wait(ctx, req, late)
	if !errors.Is(err, errAtHand) {
		return resp, err
	}
	held, _ := c.lookUp(ctx, req)
	if held == nil {
		return nil, &upstream.Error{Request: req, Err: errors.New("the cache lost what it had just been given")}
	}
	return held, nil
}
