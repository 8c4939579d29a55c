package fetch

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// errAtHand is a flight's outcome when the store has the answer: it got it
// between a caller's look and the flight's start, or what it held was verified.
var errAtHand = errors.New("the answer is in the cache by now")

// flyTold is fly with the story of what was tried in its error.
func (c *core) flyTold(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error) {
	ctx, story := withStory(ctx)
	resp, spool, err := c.fly(ctx, req)
	if err != nil {
		err = story.told(err)
	}
	return resp, spool, err
}

// fly is what a flight does: it asks the sources, checks what they bring and
// stores it. The response's Body reads the spool.
func (c *core) fly(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error) {
	if c.isOfSumDB(req) {
		return spooled(req)(c.database.Fetch(ctx, req)) // the engine keeps what it can verify
	}
	ctx, over, err := c.takeTurn(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	defer over(nil)
	if held, state := c.lookUp(ctx, req); held != nil {
		held.Body.Close()
		if state == fresh && !isAhead(ctx, held) {
			return nil, nil, errAtHand
		}
	}
	if c.mustVerify(req) {
		return c.flyVerified(ctx, req)
	}
	begun := time.Now()
	resp, spool, err := c.download(ctx, req)
	if err == nil {
		c.commit(ctx, req.Key(), req, resp, spool, time.Since(begun))
	}
	return resp, spool, err
}

// flyVerified asks what the file must hash to beside the download. What nobody
// vouches for is not stored where it could be found.
func (c *core) flyVerified(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error) {
	asking, stop := context.WithCancel(ctx)
	e := verify.Begin(asking, c.verifier, moduleOf(req), req.Kind())
	defer e.Wait(context.Background())
	defer stop()
	if err := c.verifyHeld(ctx, req, e); err != nil {
		return nil, nil, err
	}
	begun := time.Now()
	resp, spool, err := c.download(verify.WithExpectation(ctx, e), req)
	if err != nil {
		return nil, nil, err
	}
	took := time.Since(begun)
	if _, err = e.Wait(ctx); err == nil {
		c.watch.verified(ctx, Verification{Request: req, Source: resp.Source, Verified: resp.Verified})
		c.commit(ctx, req.Key(), req, resp, spool, took)
		return resp, spool, nil
	}
	c.watch.verified(ctx, Verification{Request: req, Source: resp.Source, Err: err})
	if !c.mayServeUnverified(err) {
		resp.Body.Close()
		return nil, nil, unverifiable(req, err)
	}
	c.watch.degraded(ctx, Degradation{req, ServedUnverified, err})
	c.commit(ctx, apart(req), req, resp, spool, took)
	c.later.add(req)
	return resp, spool, nil
}

// download asks the sources.
func (c *core) download(ctx context.Context, req upstream.Request) (*upstream.Response, *cache.Spool, error) {
	ctx, salvage := verify.WithSalvage(ctx, req)
	defer salvage.Close()
	resp, spool, err := spooled(req)(c.source.Fetch(ctx, req))
	if err != nil {
		e := upstream.AsError(err, req, "")
		c.rememberFailure(req, e)
		return nil, nil, e
	}
	c.lateUntil.Store(0)
	return resp, spool, nil
}

// spooled finds the spool behind a response.
func spooled(req upstream.Request) func(*upstream.Response, error) (*upstream.Response, *cache.Spool, error) {
	return func(resp *upstream.Response, err error) (*upstream.Response, *cache.Spool, error) {
		if err != nil {
			return nil, nil, askedNow(upstream.AsError(err, req, ""))
		}
		body, ok := resp.Body.(*cache.SpoolReader)
		if !ok {
			resp.Body.Close()
			return nil, nil, &upstream.Error{Request: req, Source: resp.Source, Err: errors.New("the answer did not come through the spool")}
		}
		return resp, body.Spool(), nil
	}
}

// askedNow returns a source's error as one for which the source was asked just now: if
// it is a Client that remembered it, that is its business.
func askedNow(e *upstream.Error) *upstream.Error {
	if !e.Remembered {
		return e
	}
	out := *e
	out.Remembered = false
	return &out
}

// commit stores what was downloaded and completes the response. That the store
// fails is no caller's problem.
func (c *core) commit(ctx context.Context, key string, req upstream.Request, resp *upstream.Response, spool *cache.Spool, took time.Duration) {
	meta := cache.Meta{
		Fetched: time.Now(), ModTime: resp.ModTime, Origin: cmp.Or(resp.Origin, resp.Source), Verified: resp.Verified,
		Took: took,
	}
	if resp.Stale != nil {
		meta.Fetched = resp.Fetched // a Fetcher behind us had nothing newer: it does not get younger here
	}
	// The bytes are here: they are kept even if nobody waits any more.
	begun := time.Now()
	err := cache.Commit(context.WithoutCancel(ctx), c.store, key, spool, meta)
	c.watch.committed(ctx, Commit{req, spool.Size(), time.Since(begun), resp.Verified, err})
	if err != nil {
		c.watch.degraded(ctx, Degradation{req, CacheUnwritable, err})
		c.log.Warn("storing a download failed; callers get it all the same", "key", key, "error", err)
	}
	digest, _ := spool.Digest()
	resp.Size, resp.Digest = spool.Size(), digest.String()
	resp.Origin, resp.Fetched, resp.Cached = meta.Origin, meta.Fetched, false
}

// join waits for the flight for req.
func (c *core) join(ctx context.Context, req upstream.Request, wait waiting) (*upstream.Response, error) {
	for range 3 { // an entry may be evicted between the flight and the look
		resp, err := c.flights.wait(ctx, req, wait)
		if _, unverified := errors.AsType[heldUnverified](err); !unverified && !errors.Is(err, errAtHand) && !isForegone(ctx, err) {
			return resp, err
		}
		if held := c.atHand(ctx, req, err); held != nil {
			return held, nil
		}
	}
	return nil, &upstream.Error{Request: req, Err: errors.New("the cache loses what it is given")}
}

// atHand returns what the store holds after a flight that ended so, or nil.
func (c *core) atHand(ctx context.Context, req upstream.Request, outcome error) *upstream.Response {
	if errors.Is(outcome, errAtHand) {
		held, _ := c.lookUp(ctx, req)
		return held
	}
	if held, ok := errors.AsType[heldUnverified](outcome); ok {
		if e, err := c.store.Get(ctx, held.key); err == nil {
			c.watch.degraded(ctx, Degradation{req, ServedUnverified, outcome})
			return answer(e)
		}
	}
	return nil
}

func moduleOf(req upstream.Request) module.Version {
	return module.Version{Path: req.Module(), Version: req.Version()}
}
