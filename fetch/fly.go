package fetch

import (
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
func (c *core) flyTold(ctx context.Context, req upstream.Request) (*cargo, error) {
	ctx, story := withStory(ctx)
	brought, err := c.fly(ctx, req)
	if err != nil {
		return nil, story.told(err)
	}
	return brought, nil
}

// fly is what a flight does: it asks the sources and checks what they bring.
func (c *core) fly(ctx context.Context, req upstream.Request) (brought *cargo, err error) {
	if c.isOfSumDB(req) {
		return spooled(req)(c.database.Fetch(ctx, req)) // the engine keeps what it can verify
	}
	ctx, over, err := c.takeTurn(ctx, req)
	if err != nil {
		return nil, err
	}
	defer func() {
		if brought == nil || brought.settle == nil {
			over(nil)
		}
	}()
	if brought, err = c.flyInTurn(ctx, req); err != nil || brought.settle == nil {
		return brought, err
	}
	store := brought.settle
	brought.settle = func() {
		defer over(nil) // who waits for the turn looks into the store then
		store()
	}
	return brought, nil
}

func (c *core) flyInTurn(ctx context.Context, req upstream.Request) (*cargo, error) {
	held, state := c.lookUp(ctx, req)
	if held != nil {
		held.Body.Close()
		if state == fresh && !isAhead(ctx, held) {
			return nil, errAtHand
		}
	}
	if c.mustVerify(req) {
		return c.flyVerified(ctx, req, state)
	}
	begun := time.Now()
	brought, err := c.download(ctx, req)
	if err != nil {
		return nil, err
	}
	c.load(ctx, brought, req.Key(), req, time.Since(begun))
	if !req.Immutable() { // nobody must see the older answer after this one
		brought.settleNow()
	}
	return brought, nil
}

// flyVerified asks what the file must hash to beside the download. What nobody
// vouches for is not stored where it could be found.
func (c *core) flyVerified(ctx context.Context, req upstream.Request, state freshness) (*cargo, error) {
	asking, stop := context.WithCancel(ctx)
	e := verify.Begin(asking, c.verifier, moduleOf(req), req.Kind())
	defer e.Wait(context.Background())
	defer stop()
	keys := []string{req.Key(), apart(req)}
	if state == absent {
		keys = keys[1:]
	}
	held, err := c.verifyHeld(ctx, req, e, keys...)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	brought, err := c.download(verify.WithExpectation(ctx, e), req)
	if err != nil {
		return nil, held.orElse(err)
	}
	took, resp := time.Since(begun), brought.resp
	if _, err = e.Wait(ctx); err == nil {
		c.watch.verified(ctx, Verification{Request: req, Source: resp.Source, Verified: resp.Verified})
		c.load(ctx, brought, req.Key(), req, took)
		if held.stays(resp.Verified) {
			brought.settle = nil
		}
		return brought, nil
	}
	c.watch.verified(ctx, Verification{Request: req, Source: resp.Source, Err: err})
	if !c.mayServeUnverified(err) {
		resp.Body.Close()
		return nil, unverifiable(req, err)
	}
	c.watch.degraded(ctx, Degradation{req, ServedUnverified, err})
	c.load(ctx, brought, apart(req), req, took)
	brought.settleNow()
	c.later.add(req)
	return brought, nil
}

// download asks the sources.
func (c *core) download(ctx context.Context, req upstream.Request) (*cargo, error) {
	ctx, salvage := verify.WithSalvage(ctx, req)
	defer salvage.Close()
	brought, err := spooled(req)(c.source.Fetch(ctx, req))
	if err != nil {
		e := upstream.AsError(err, req, "")
		c.rememberFailure(req, e)
		return nil, e
	}
	c.lateUntil.Store(0)
	return brought, nil
}

// spooled finds the spool behind a response.
func spooled(req upstream.Request) func(*upstream.Response, error) (*cargo, error) {
	return func(resp *upstream.Response, err error) (*cargo, error) {
		if err != nil {
			return nil, askedNow(upstream.AsError(err, req, ""))
		}
		body, ok := resp.Body.(*cache.SpoolReader)
		if !ok {
			resp.Body.Close()
			return nil, &upstream.Error{Request: req, Source: resp.Source, Err: errors.New("the answer did not come through the spool")}
		}
		return &cargo{resp: resp, spool: body.Spool()}, nil
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

// join waits for the flight for req.
func (c *core) join(ctx context.Context, req upstream.Request, wait waiting) (*upstream.Response, error) {
	if held := c.beingStored(req); held != nil {
		return held, nil
	}
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
