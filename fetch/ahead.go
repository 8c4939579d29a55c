package fetch

import (
	"context"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	lru "github.com/hashicorp/golang-lru/v2"
)

// oftenAsked is how many times an answer that can change must have been given
// while it was fresh to be fetched anew ahead of time; aheadOfTime is the part of
// its TTL after which that is done.
const (
	oftenAsked  = 3
	aheadOfTime = 0.8
)

// A demand counts how often answers that can change are asked for, so that the
// popular ones are kept fresh and nobody asks the sources for the others.
type demand struct {
	mu     sync.Mutex
	counts *lru.Cache[upstream.Request, asked]
}

// asked is how often the answer from that time has been given.
type asked struct {
	fetched time.Time
	times   int
}

func newDemand() *demand {
	counts, _ := lru.New[upstream.Request, asked](maxRemembered) // fails only for a size below 1
	return &demand{counts: counts}
}

// count counts an answer, and returns how often it has been given.
func (d *demand) count(req upstream.Request, fetched time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, _ := d.counts.Get(req)
	if !n.fetched.Equal(fetched) {
		n = asked{fetched: fetched}
	}
	n.times++
	d.counts.Add(req, n)
	return n.times
}

type aheadKey struct{}

// isAhead reports whether a flight is to renew the very answer that is held,
// fresh as it is.
func isAhead(ctx context.Context, held *upstream.Response) bool {
	of, ok := ctx.Value(aheadKey{}).(time.Time)
	return ok && of.Equal(held.Fetched)
}

// keepFresh has an answer that is asked for often fetched anew before it is not
// fresh any more.
func (c *core) keepFresh(ctx context.Context, req upstream.Request, held *upstream.Response) {
	if !req.Immutable() && !upstream.Offline(ctx) && c.isDue(req, held.Fetched) {
		c.flights.refresh(context.WithValue(ctx, aheadKey{}, held.Fetched), req)
	}
}

// isDue counts that an answer is given, and reports whether it is time to fetch it anew.
func (c *core) isDue(req upstream.Request, fetched time.Time) bool {
	if c.opts.Offline {
		return false
	}
	often := c.demand.count(req, fetched) >= oftenAsked
	due := float64(time.Since(fetched)) > aheadOfTime*float64(c.ttl(req, fetched))
	return often && due && c.failing.recall(req) == nil
}
