package fetch

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// freshness is what may be done with what the store holds.
type freshness int

const (
	absent        freshness = iota
	untrusted               // it is there, and was not verified well enough for today: a flight will
	fresh                   // it is the answer
	revalidatable           // it is an answer while a new one is fetched
	stale                   // it is an answer only if no new one can be had
)

// lookUp returns what the store holds for req; a store that fails holds nothing.
func (c *core) lookUp(ctx context.Context, req upstream.Request) (*upstream.Response, freshness) {
	e, err := c.store.Get(ctx, req.Key())
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			c.watch.degraded(ctx, Degradation{req, CacheUnreadable, err})
			c.log.Warn("reading the cache failed; the sources are asked instead", "key", req.Key(), "error", err)
		}
		return nil, absent
	}
	if !c.trusts(req, e.Verified) {
		e.Body.Close()
		return nil, untrusted
	}
	return answer(e), c.judge(req, e.Fetched)
}

// judge says how good an answer of that age is. One from the future, by a clock
// that was set back, is as good as a new one only if it cannot change.
func (c *core) judge(req upstream.Request, fetched time.Time) freshness {
	age := time.Since(fetched)
	ttl := c.ttl(req, fetched)
	switch {
	case req.Immutable(), 0 <= age && age < ttl:
		return fresh
	case 0 <= age && age < ttl+max(0, c.opts.RevalidateWithin):
		return revalidatable
	}
	return stale
}

// ttl returns how long an answer from that time is fresh. The part that it is
// shorter than the option is drawn by the answer itself, so that all who ask see
// the same.
func (c *core) ttl(req upstream.Request, fetched time.Time) time.Duration {
	ttl, ok := c.opts.TTLs[req.Kind()]
	if !ok {
		ttl = c.opts.TTL
	}
	const jitter = 10 // per cent
	less := uint64(fetched.UnixNano()) * 0x9e3779b97f4a7c15 >> 32 % 1000 * jitter
	return max(0, ttl-ttl/100_000*time.Duration(less))
}

func answer(e *cache.Entry) *upstream.Response {
	return &upstream.Response{
		Body:     e.Body,
		Size:     e.Size,
		ModTime:  e.ModTime,
		Source:   e.Layer,
		Cached:   true,
		Origin:   e.Origin,
		Fetched:  e.Fetched,
		Verified: e.Verified,
		Digest:   e.Digest.String(),
	}
}

const (
	// refreshLimit bounds a refresh that nobody waits for.
	refreshLimit = time.Minute

	// refreshPause is how long an old answer is given without asking again
	// after a refresh has failed.
	refreshPause = 5 * time.Second
)

// renew asks the sources for a new answer in place of held, and falls back on
// held when they fail or take longer than StaleWait.
func (c *core) renew(ctx context.Context, req upstream.Request, held *upstream.Response) (*upstream.Response, error) {
	var late <-chan time.Time
	if c.opts.StaleWait >= 0 {
		timer := time.NewTimer(c.staleWait())
		defer timer.Stop()
		late = timer.C
	}
	if c.mayServeStale(held, &upstream.Error{}) {
		ctx = breaker.WithoutWaiting(ctx)
	}
	// With a bound on the wait, the flight goes on when this caller stops waiting.
	resp, err := c.join(ctx, req, waiting{late: late, keep: late != nil})
	if e, ok := errors.AsType[*upstream.Error](err); ok && e.Err == errLate {
		c.failing.remember(req, e) // so that the next caller does not wait as long
		c.lateUntil.Store(time.Now().Add(refreshPause).UnixNano())
	}
	if err != nil && c.mayServeStale(held, err) {
		return orStale(held, err)
	}
	held.Body.Close()
	return resp, err
}

// impatience is how long a caller waits for a new answer when another has just
// waited in vain, for whatever it was.
const impatience = 500 * time.Millisecond

func (c *core) staleWait() time.Duration {
	if time.Now().UnixNano() < c.lateUntil.Load() {
		return min(c.opts.StaleWait, impatience)
	}
	return c.opts.StaleWait
}

// mayServeStale reports whether held may be given in place of err. Where the
// sources gave an answer, even an unwelcome one, that is the answer.
func (c *core) mayServeStale(held *upstream.Response, err error) bool {
	if c.opts.MaxStale < 0 || c.opts.MaxStale > 0 && time.Since(held.Fetched) > c.opts.MaxStale {
		return false
	}
	e := upstream.AsError(err, upstream.Request{}, "")
	switch e.Class {
	case upstream.Unavailable, upstream.Timeout, upstream.Overloaded:
		return true
	case upstream.NotFound:
		return !e.Conclusive()
	}
	return false
}
