package verify

import (
	"context"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// An Arrival is a zip that a source has begun to send. Nothing of it has been checked.
type Arrival struct {
	Request upstream.Request // for the zip
	Source  string           // who sends it
	Size    int64            // in bytes, as the source says; 0 or less: it does not
	ModTime time.Time        // as the source says; zero: it does not

	// Spool takes it in: it grows, and is finished when all is here, or fails. What it
	// holds is a begin of the file that the source has, but it may turn out not to be
	// the file that was asked for.
	Spool *cache.Spool
}

type arrivalsKey struct{}

// WithArrivals returns a context with which [Spooled] tells of each zip that begins to
// come, long before Fetch returns: once for each source that is asked,
// and for each spool that it begins. What a source goes on with that another has left
// is announced again, with the same Spool.
//
// The hook is called by the goroutine that fetches, from several at once where
// sources race, and must return at once. To read the Spool it takes a Reader before it
// returns, which stays valid. It takes the place of one that was in ctx before: one
// who puts himself in between passes on what he hears (see [ArrivalsOf]).
func WithArrivals(ctx context.Context, hook func(Arrival)) context.Context {
	return context.WithValue(ctx, arrivalsKey{}, hook)
}

// ArrivalsOf returns the hook in ctx, which is nil if nobody wants to know.
func ArrivalsOf(ctx context.Context) func(Arrival) {
	hook, _ := ctx.Value(arrivalsKey{}).(func(Arrival))
	return hook
}

// announce tells of the spool that d goes on with.
func (d *download) announce(resp *upstream.Response) {
	if hook := ArrivalsOf(d.ctx); hook != nil && d.req.Kind() == upstream.Zip {
		hook(Arrival{Request: d.req, Source: resp.Source, Size: resp.Size, ModTime: resp.ModTime, Spool: d.spool})
	}
}
