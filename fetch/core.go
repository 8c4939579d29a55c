package fetch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A Client is the [Fetcher] that [New] makes. Its methods may be called by many
// goroutines at once.
type Client struct {
	opts     Options
	source   upstream.Upstream // all sources with their middleware
	database upstream.Upstream // where the checksum database is asked; nil if it is off
	sumDB    *verify.SumDB     // what is known of it; nil if it is off
	verifier verify.Verifier   // nil if nothing is verified
	store    cache.Store
	owned    io.Closer // the store, if New opened it
	noSumDB  string    // GONOSUMDB patterns
	closed   atomic.Bool
	flights  *flights
	later    *later  // what is to be verified in the background
	notFound *memory // what the sources said does not exist
	failing  *memory // what could not be renewed
	log      *slog.Logger
}

// New returns a Client for the given options; nil means the user's go settings
// and the defaults of [Options]. The options are copied, and what is wrong with
// them is found here. The caller closes the Client.
func New(opts *Options) (*Client, error) {
	o := opts.withDefaults()
	c := &Client{
		opts: o, log: o.Logger, store: o.Store,
		notFound: newMemory(o.NotFoundTTL), failing: newMemory(refreshPause),
	}
	settings, err := o.settings()
	if err == nil {
		err = settings.check()
	}
	if err != nil {
		return nil, err
	}
	c.noSumDB = settings.GONOSUMDB
	sources, err := o.bareSources(settings)
	if err != nil {
		return nil, err
	}
	if c.store == nil {
		if c.store, err = o.openStore(); err != nil {
			return nil, err
		}
		c.owned, _ = c.store.(io.Closer)
	}
	if err := c.assemble(sources, settings); err != nil {
		return nil, errors.Join(err, c.closeStore())
	}
	return c, nil
}

// assemble connects the parts. Each may ask the next only when a request comes.
func (c *Client) assemble(sources upstream.Upstream, settings GoSettings) error {
	db, err := c.openSumDB(settings)
	if err != nil {
		return err
	}
	if err := c.compose(sources, db); err != nil {
		return err
	}
	c.verifier = c.chooseVerifier()
	c.flights = newFlights(c.opts.Grace, c.log, c.fly)
	c.later = newLater(func(ctx context.Context, req upstream.Request) bool {
		resp, err := c.flights.wait(ctx, req, waiting{})
		closeBody(resp)
		_, unverified := errors.AsType[heldUnverified](err)
		return !unverified
	})
	return nil
}

func (c *Client) closeStore() error {
	if c.owned == nil {
		return nil
	}
	return c.owned.Close()
}

// Sources returns the names of the sources, in the order of the configuration.
func (c *Client) Sources() []string {
	var names []string
	for _, s := range sourcesOf(c.source) {
		names = append(names, upstream.Name(s))
	}
	return names
}

// allSources returns the sources, and the checksum database itself.
func (c *Client) allSources() []upstream.Upstream {
	if c.database != nil {
		return sourcesOf(c.database)
	}
	return sourcesOf(c.source)
}

// sourcesOf looks for the sources behind the middleware around them all.
func sourcesOf(u upstream.Upstream) []upstream.Upstream {
	group, ok := upstream.As[upstream.Group](u)
	if !ok {
		return []upstream.Upstream{u}
	}
	return upstream.Sources(group)
}

// Name returns "breakwater", by which a Client that is another's source is
// known there.
func (c *Client) Name() string { return "breakwater" }

// Fetch answers req: from the store if it can, else from the sources. Errors
// are of type [*upstream.Error].
//
// With [upstream.WithOffline] in ctx, or Options.Offline, no source is asked.
// When ctx ends, Fetch returns at once; the download goes on for the others who
// wait for it, and for a short grace.
func (c *Client) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if err := c.refuse(req); err != nil {
		return nil, err
	}
	if c.closed.Load() {
		return nil, &upstream.Error{Class: upstream.Canceled, Request: req, Err: errClosed}
	}
	if ctx.Err() != nil {
		return nil, upstream.ContextError(ctx, req, "")
	}
	if c.isOfSumDB(req) {
		return c.askSumDB(ctx, req)
	}
	held, state := c.lookUp(ctx, req)
	if state == fresh {
		return held, nil
	}
	if c.opts.Offline || upstream.Offline(ctx) {
		if held == nil {
			held = c.heldOffline(ctx, req)
		}
		if held != nil && req.Immutable() {
			return held, nil
		}
		return orStale(held, &upstream.Error{Request: req, Err: upstream.ErrOffline})
	}
	if err := c.notFound.recall(req); err != nil {
		closeBody(held)
		return nil, err
	}
	if held == nil {
		return c.join(ctx, req, waiting{})
	}
	if err := c.failing.recall(req); err != nil && c.mayServeStale(held, err) {
		return orStale(held, err)
	}
	if state == revalidatable {
		c.flights.refresh(ctx, req)
		return orStale(held, upstream.ErrRevalidating)
	}
	return c.renew(ctx, req, held)
}

// orStale returns held, if there is anything held, marked with the reason why
// it is given, and else the reason.
func orStale(held *upstream.Response, why error) (*upstream.Response, error) {
	if held == nil {
		return nil, why
	}
	held.Stale = why
	return held, nil
}

// askSumDB has the engine answer, which verifies and keeps what it learns.
func (c *Client) askSumDB(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if c.opts.Offline {
		ctx = upstream.WithOffline(ctx)
	}
	return c.sumDB.Fetch(ctx, req)
}

func closeBody(resp *upstream.Response) {
	if resp != nil {
		resp.Body.Close()
	}
}

var errPrivateLookup = errors.New("the module is private (GONOSUMDB): no checksum database may be asked about it")

// refuse returns the error for what no source may be asked.
func (c *Client) refuse(req upstream.Request) error {
	switch {
	case req.Kind() == 0:
		return &upstream.Error{Subject: "request", Err: errors.New("the zero Request asks for nothing")}
	case req.Kind() == upstream.SumDBLookup && c.isExempt(req.Module()):
		return &upstream.Error{Class: upstream.NotFound, Request: req, Err: errPrivateLookup}
	}
	return nil
}

// Close ends the downloads under way, waits for them, and closes what New
// opened. Callers that still wait, and those that come later, get an error of
// class Canceled. Bodies that were handed out stay readable. Closing again does
// nothing.
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.later.close()
	c.flights.close()
	for _, s := range c.allSources() {
		if idle, ok := upstream.As[interface {
			upstream.Upstream
			CloseIdleConnections()
		}](s); ok {
			idle.CloseIdleConnections()
		}
	}
	return c.closeStore()
}
