package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A core is all of a [Client] that its options determine. Replacing them is
// replacing it; the store stays.
type core struct {
	id       uint64 // which no other core of the Client has
	opts     Options
	plan     *plan
	source   upstream.Upstream // all sources with their middleware
	database upstream.Upstream // where the checksum database is asked; nil if it is off
	sumDB    *verify.SumDB     // what is known of it; nil if it is off
	verifier verify.Verifier   // nil if nothing is verified
	shared
	noSumDB      string // patterns of what no checksum database is asked about
	routed       string // patterns of what has a source of its own
	sumDBSetting string // GOSUMDB
	flights      *flights
	prober       *breaker.Prober // nil: none
	prefetch     *prefetch       // nil: none
	demand       *demand         // of answers that can change
	notFound     *memory         // what the sources said does not exist
	failing      *memory         // what could not be renewed
	lateUntil    atomic.Int64    // the sources seem to be slow, all of them, until then: Unix nanoseconds
	log          *slog.Logger
}

// shared is what the cores of a [Client] have in common.
type shared struct {
	store   cache.Store
	turns   *turns
	watch   *watch
	later   *later // what is to be verified in the background
	storing *storing
}

func (c *Client) shared() shared {
	return shared{c.store, &c.turns, &c.watch, c.later, c.storing}
}

// newCore returns a core that works by o, which has its defaults.
func newCore(o Options, p *plan, s shared) (*core, error) {
	c := &core{
		id: s.watch.cores.Add(1), opts: o, log: o.Logger, shared: s, plan: p,
		noSumDB: o.unlistedPatterns(p.settings), routed: o.routedPatterns(p.settings), sumDBSetting: p.settings.GOSUMDB,
		demand: newDemand(), notFound: newMemory(o.NotFoundTTL), failing: newMemory(refreshPause),
	}
	if err := c.assemble(p.sources, p.settings); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return c, nil
}

// assemble connects the parts. Each may ask the next only when a request comes.
func (c *core) assemble(sources upstream.Upstream, settings GoSettings) error {
	db, err := c.openSumDB(settings)
	if err != nil {
		return err
	}
	if err := c.compose(sources, db); err != nil {
		return err
	}
	c.verifier = c.chooseVerifier()
	if c.opts.Probe != nil && !c.opts.Offline {
		if err := c.startProber(); err != nil {
			return err
		}
	}
	c.flights = newFlights(c.opts.Grace, c.log, &c.watch.counts.flights, c.storing, c.flyTold)
	c.prefetch = newPrefetch(c)
	return nil
}

// startProber has those sources probed that the routes allow to be asked for the
// module.
func (c *core) startProber() error {
	module := cmp.Or(c.opts.Probe.Module, breaker.DefaultProbeModule)
	req, err := upstream.NewRequest(upstream.List, module, "")
	if err != nil {
		return fmt.Errorf("the module to probe with: %w", err)
	}
	group, _ := upstream.As[upstream.Group](c.source)
	allowed := upstream.SourcesFor(group, req)
	sources := slices.Clone(sourcesOf(c.source))
	for i, source := range sources {
		_, many := upstream.As[upstream.Parted](source) // of which one says nothing of the others
		if many || !slices.Contains(allowed, source) {
			sources[i] = nil
		}
	}
	c.prober, err = breaker.NewProber(sources, c.opts.Probe)
	return err
}

// allSources returns the sources, and the checksum database itself.
func (c *core) allSources() []upstream.Upstream {
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

// fetch answers req; see [Client.Fetch].
func (c *core) fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if err := c.refuse(req); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, upstream.ContextError(ctx, req, "")
	}
	if c.isOfSumDB(req) {
		return c.askSumDB(ctx, req)
	}
	offline := c.opts.Offline || upstream.Offline(ctx)
	if req.Immutable() && !offline && c.flights.hasJustLeft(ctx, req) { // for want of it in the store
		return c.join(ctx, req, waiting{})
	}
	held, state := c.lookUp(ctx, req)
	if state == fresh {
		c.keepFresh(ctx, req, held)
		return held, nil
	}
	if offline {
		if held == nil {
			held = c.beingStored(req)
		}
		if held == nil && req.Immutable() { // it may have been stored since the first look
			held, _ = c.lookUp(ctx, req)
		}
		if held == nil {
			var err error
			if held, err = c.heldOffline(ctx, req); err != nil {
				return nil, err
			}
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
func (c *core) askSumDB(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if c.opts.Offline {
		ctx = upstream.WithOffline(ctx)
	}
	asked := new(atomic.Bool)
	resp, err := c.sumDB.Fetch(context.WithValue(ctx, askedKey{}, asked), req)
	if err == nil {
		resp.Cached = !asked.Load()
	}
	return resp, err
}

// askedKey is under which a context has what the engine's questions to the sources
// set, an *atomic.Bool.
type askedKey struct{}

func noteAsked(ctx context.Context) {
	if asked, ok := ctx.Value(askedKey{}).(*atomic.Bool); ok {
		asked.Store(true)
	}
}

func closeBody(resp *upstream.Response) {
	if resp != nil {
		resp.Body.Close()
	}
}

var errPrivateLookup = errors.New("the module is private (GONOSUMDB): no checksum database may be asked about it: set GONOSUMDB where the go command runs, too")

// refuse returns the error for what no source may be asked.
func (c *core) refuse(req upstream.Request) error {
	switch {
	case req.Kind() == 0:
		return &upstream.Error{Subject: "request", Err: errors.New("the zero Request asks for nothing")}
	case req.Kind() == upstream.SumDBLookup && c.isExempt(req.Module()):
		return &upstream.Error{Class: upstream.NotFound, Request: req, Err: errPrivateLookup}
	}
	if err := c.ownership(req); err != nil {
		return &upstream.Error{Class: upstream.Denied, Request: req, Err: err}
	}
	return nil
}

// retire waits until nothing is under way any more, and closes the core. Who
// comes later gets errClosed.
func (c *core) retire() {
	c.prefetch.close()
	<-c.flights.idle()
	c.close()
}

// close ends what is under way and waits for it.
func (c *core) close() {
	if c.prober != nil {
		c.prober.Close()
	}
	c.prefetch.close()
	c.flights.close()
	all := c.source
	if c.database != nil {
		all = c.database
	}
	upstream.Drain(all)
	for _, s := range c.allSources() {
		if idle, ok := upstream.As[interface {
			upstream.Upstream
			CloseIdleConnections()
		}](s); ok {
			idle.CloseIdleConnections()
		}
	}
	if err := c.plan.close(); err != nil {
		c.log.Warn("what fetches from version control left something behind", "error", err)
	}
}
