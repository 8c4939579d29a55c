package fetch

import (
	"context"
	"errors"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// What a flight brings is handed out when it has been verified, and stored afterwards:
// the time that a disk takes to make it last is nobody's who waits for it. Until it is
// stored, the flight answers whoever asks. A process that dies in between has to fetch
// the file again.

// maxSettling is how many flights may be storing what they brought, after those who
// waited have gone. Beyond that they store it first, so that sources which are faster
// than the disk wait for it.
const maxSettling = 64

// mayLandFirst takes one of the places of those who store later, if there is one.
func (fs *flights) mayLandFirst() bool {
	select {
	case fs.places <- struct{}{}:
		return true
	default:
		return false
	}
}

// await makes a flight that is about to land, and whose cargo is to be stored, known
// as such, with somebody who waits for that; mu is held.
func (fs *flights) await(f *flight) {
	if f.brought != nil && f.brought.settle != nil {
		fs.settling[f.req] = f
		f.waiting++
	}
}

// settle stores what a flight has brought.
func (fs *flights) settle(f *flight) {
	defer fs.settled(f) // also if the store ends the goroutine
	fs.store(f.brought, f.req)
}

// store has the cargo stored. A store that panics has not stored it, and that is all.
func (fs *flights) store(brought *cargo, req upstream.Request) {
	var told error // in the log
	defer fs.contain(req, &told)
	brought.settleNow()
}

func (fs *flights) settled(f *flight) {
	fs.mu.Lock()
	if fs.settling[f.req] == f {
		delete(fs.settling, f.req)
	}
	fs.mu.Unlock()
	<-fs.places
	close(f.stored)
	fs.leave(f)
}

// landed answers from what is being stored; nil if there is nothing of the kind. It is
// at hand, and nobody need be waited for: so it is for all who ask, whatever their way.
func (fs *flights) landed(req upstream.Request) *upstream.Response {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.settling[req]
	if f == nil || fs.closed {
		return nil
	}
	resp := *f.brought.resp
	resp.Body = f.brought.spool.Reader(context.Background())
	resp.Cached, resp.Source = true, "memory"
	return &resp
}

// flush waits until what flights have brought so far is stored.
func (fs *flights) flush(ctx context.Context) error {
	fs.mu.Lock()
	var all []*flight
	for _, f := range fs.settling {
		all = append(all, f)
	}
	fs.mu.Unlock()
	for _, f := range all {
		select {
		case <-f.stored:
		case <-ctx.Done():
			return upstream.ContextError(ctx, f.req, "")
		}
	}
	return nil
}

// Flush waits until everything that was answered so far is stored, which goes on for a
// moment after the answer, and is written where a Store writes later ([cache.Flush]).
// Close does so, too. What could not be stored is no error of Flush's: the log tells,
// and [Trace].Commit.
func (c *Client) Flush(ctx context.Context) error {
	return errors.Join(c.settle(ctx), cache.Flush(ctx, c.store))
}

// settle waits for the flights of all cores that have landed.
func (c *Client) settle(ctx context.Context) error {
	var errs []error
	for _, one := range c.cores() {
		errs = append(errs, one.flights.flush(ctx))
	}
	return errors.Join(errs...)
}

// cores returns the one that answers, and those that have not ended yet.
func (c *Client) cores() []*core {
	c.mu.Lock()
	defer c.mu.Unlock()
	cores := []*core{c.core.Load()}
	for old := range c.retired {
		cores = append(cores, old)
	}
	return cores
}
