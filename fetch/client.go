package fetch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// A Client is the [Fetcher] that [New] makes. Its methods may be called by many
// goroutines at once.
type Client struct {
	opts     Options
	source   upstream.Upstream // all sources with their middleware
	store    cache.Store
	owned    io.Closer // the store, if New opened it
	noSumDB  string    // GONOSUMDB patterns
	closed   atomic.Bool
	flights  *flights
	notFound *memory // what the sources said does not exist
	failing  *memory // what could not be renewed
	log      *slog.Logger
}

// New returns a Client for the given options; nil means the user's go settings
// and the defaults of [Options]. The options are copied, and what is wrong with
// them is found here. The caller closes the Client.
func New(opts *Options) (*Client, error) {
	o := opts.withDefaults()
	c := &Client{opts: o, log: o.Logger, store: o.Store, notFound: newMemory(o.NotFoundTTL), failing: newMemory(refreshPause)}
	if err := c.findSources(); err != nil {
		return nil, err
	}
	if c.store == nil {
		store, err := o.openStore()
		if err != nil {
			return nil, err
		}
		c.store = store
		c.owned, _ = store.(io.Closer)
	}
	c.compose()
	c.flights = newFlights(o.Grace, c.fly)
	return c, nil
}

// findSources sets c.source to the bare sources.
func (c *Client) findSources() error {
	c.source = c.opts.Upstream
	if c.source != nil && slices.Contains(upstream.Sources(c.source), nil) {
		return errors.New("one of the sources in Upstream is nil")
	}
	settings := c.opts.Go
	if settings == nil && c.source == nil {
		s, err := ReadGoSettings(context.Background())
		if err != nil && !c.opts.Offline {
			return err
		}
		if err != nil {
			s.GOPROXY = "off" // nobody will be asked
		}
		settings = &s
	}
	if settings != nil {
		for _, patterns := range []string{settings.GONOPROXY, settings.GONOSUMDB} {
			if err := upstream.CheckPatterns(patterns); err != nil {
				return err
			}
		}
		c.noSumDB = settings.GONOSUMDB
	}
	if c.source != nil {
		return nil
	}
	proxies, err := upstream.NewGOPROXY(settings.GOPROXY, c.opts.HTTP)
	if err != nil {
		return err
	}
	c.source = proxies
	if settings.GONOPROXY != "" {
		c.source = upstream.Routes(proxies, upstream.Route{Patterns: settings.GONOPROXY, Upstream: upstream.Direct()})
	}
	return nil
}

// compose puts the middleware around the sources: each checks what it sends
// inside its own circuit, and retry sees them as a whole.
func (c *Client) compose() {
	newSpool := func(memory int64) *cache.Spool { return cache.SpoolFor(c.store, memory) }
	each := func(source upstream.Upstream) upstream.Upstream {
		return upstream.Chain(source,
			breaker.Circuit(c.opts.Circuit), contain(c.log), verify.Structure(), verify.Spooled(newSpool))
	}
	c.source = breaker.Retry(c.opts.Retry)(upstream.Wrap(c.source, each))
}

// Sources returns the names of the sources, in the order of the configuration.
func (c *Client) Sources() []string {
	var names []string
	for _, s := range c.sources() {
		names = append(names, upstream.Name(s))
	}
	return names
}

func (c *Client) sources() []upstream.Upstream {
	group, ok := upstream.As[upstream.Group](c.source)
	if !ok {
		return []upstream.Upstream{c.source}
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
	held, state := c.lookUp(ctx, req)
	if state == fresh {
		return held, nil
	}
	if c.opts.Offline || upstream.Offline(ctx) {
		return orStale(held, &upstream.Error{Request: req, Err: upstream.ErrOffline})
	}
	if err := c.notFound.recall(req); err != nil {
		closeBody(held)
		return nil, err
	}
	if held == nil {
		return c.join(ctx, req, nil)
	}
	if err := c.failing.recall(req); err != nil && c.mayServeStale(held, err) {
		return orStale(held, err)
	}
	if state == revalidatable {
		c.flights.keep(ctx, req, refreshLimit)
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
	case req.Kind() == upstream.SumDBLookup && module.MatchPrefixPatterns(c.noSumDB, req.Module()):
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
	c.flights.close()
	for _, s := range c.sources() {
		if idle, ok := upstream.As[interface {
			upstream.Upstream
			CloseIdleConnections()
		}](s); ok {
			idle.CloseIdleConnections()
		}
	}
	if c.owned != nil {
		return c.owned.Close()
	}
	return nil
}
