package fetch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// settings returns the go settings to use.
func (o *Options) settings() (GoSettings, error) {
	if o.Go != nil {
		s := *o.Go
		s.GOSUMDB = cmp.Or(s.GOSUMDB, defaultSumDB)
		return s, nil
	}
	s, err := ReadGoSettings(context.Background())
	s.GOSUMDB = cmp.Or(s.GOSUMDB, defaultSumDB)
	switch {
	case err != nil && o.Offline: // nobody will be asked
		s.GOPROXY = "off"
	case errors.Is(err, errNoProxy) && o.Upstream != nil:
	default:
		return s, err
	}
	return s, nil
}

// read returns the go settings and the sources, and what is wrong with either.
func (o *Options) read() (GoSettings, upstream.Upstream, error) {
	settings, err := o.settings()
	if err == nil {
		err = settings.check()
	}
	if err == nil {
		err = upstream.CheckPatterns(o.Pinned)
	}
	if err != nil {
		return GoSettings{}, nil, err
	}
	sources, err := o.bareSources(settings)
	return settings, sources, err
}

// check finds out here what would otherwise go wrong with each request.
func (s GoSettings) check() error {
	for _, patterns := range []string{s.GONOPROXY, s.GONOSUMDB} {
		if err := upstream.CheckPatterns(patterns); err != nil {
			return err
		}
	}
	return nil
}

// bareSources returns the sources without any middleware.
func (o *Options) bareSources(s GoSettings) (upstream.Upstream, error) {
	if o.Upstream != nil {
		if slices.Contains(upstream.Sources(o.Upstream), nil) {
			return nil, errors.New("one of the sources in Upstream is nil")
		}
		if o.Go == nil {
			return o.Upstream, nil
		}
		return withoutPrivate(o.Upstream, s.GONOPROXY), nil
	}
	proxies, err := upstream.NewGOPROXY(s.GOPROXY, o.HTTP)
	if err != nil {
		return nil, err
	}
	return withoutPrivate(proxies, s.GONOPROXY), nil
}

// withoutPrivate keeps the modules that match the patterns from the sources.
func withoutPrivate(sources upstream.Upstream, patterns string) upstream.Upstream {
	if patterns == "" {
		return sources
	}
	return upstream.Routes(sources, upstream.Route{Patterns: patterns, Upstream: upstream.Direct()})
}

// compose puts the middleware around the sources: each checks what it sends
// inside its own circuit, and retry sees them as a whole.
func (c *core) compose(sources upstream.Upstream, db *verify.Database) error {
	sources = upstream.Hedge(upstream.Wrap(sources, c.guard), c.opts.Hedge)
	c.source = breaker.Retry(c.opts.Retry)(sources)
	if db == nil {
		return nil
	}
	itself, err := upstream.NewSumDB(db.Name, db.URL, c.opts.HTTP)
	if err != nil {
		return err
	}
	if c.opts.closed {
		itself = upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			return nil, &upstream.Error{Request: req, Source: db.Name, Err: errClosedOff}
		})
	}
	itself = upstream.Hedge(c.guard(itself), c.opts.Hedge)
	route := newDatabaseRoute(db, sources, itself)
	c.database = breaker.Retry(c.opts.Retry)(route)
	return nil
}

var errClosedOff = errors.New("not asked: what it says must be in the bundle, or known already")

// guard is the middleware of one source. What finds out that an answer is bad is
// inside the circuit; the limit is inside the spool, so that a place is free as
// soon as the body is here.
func (c *core) guard(source upstream.Upstream) upstream.Upstream {
	var spool verify.SpoolOptions
	if c.opts.Spool != nil {
		spool = *c.opts.Spool
	}
	spool.New = func(memory int64) *cache.Spool { return cache.SpoolFor(c.store, memory) }
	ms := []upstream.Middleware{
		breaker.Circuit(c.circuitOptions()), upstream.Meter(), contain(c.log), verify.Mend(), verify.Checksums(),
	}
	if c.sumDB != nil {
		ms = append(ms, c.sumDB.Signed())
	}
	return upstream.Chain(source, append(ms, verify.Structure(), verify.Spooled(&spool), breaker.Limit(c.opts.Limit))...)
}

// circuitOptions returns the options with which changes are logged, too.
func (c *core) circuitOptions() *breaker.CircuitOptions {
	var o breaker.CircuitOptions
	if c.opts.Circuit != nil {
		o = *c.opts.Circuit
	}
	told := o.OnChange
	o.OnChange = func(change breaker.CircuitChange) {
		c.logChange(change)
		if told != nil {
			told(change)
		}
	}
	return &o
}

func (c *core) logChange(change breaker.CircuitChange) {
	what := []any{"source", change.Source, "lane", change.Lane.String()}
	switch change.To {
	case upstream.Out:
		leave := change.Until.Sub(change.At).Round(time.Second)
		c.log.Warn("a source is out, and left alone for now", append(what, "for", leave, "reason", change.Reason)...)
	case upstream.OnTrial:
		c.log.Debug("a source is tried again", what...)
	case upstream.Working:
		c.log.Info("a source is back", what...)
	}
}

// openSumDB makes the engine for the checksum database that the settings name;
// it is nil where that is off. The engine asks through the Client's flights, so
// that what is asked for at the same time is asked once.
func (c *core) openSumDB(s GoSettings) (*verify.Database, error) {
	db, err := verify.ParseGOSUMDB(s.GOSUMDB)
	if err != nil || db == nil {
		return nil, err
	}
	ask := func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		return c.flights.wait(ctx, req, waiting{})
	}
	c.sumDB = verify.NewSumDB(db, upstream.Func(ask), c.store, &verify.SumDBOptions{
		LatestTTL:       c.opts.TTL,
		OnSecurityEvent: c.opts.OnSecurityEvent,
		Strike:          c.strike,
		Logger:          c.log,
	})
	return db, nil
}

// strike counts a wrong answer of the checksum database's against the source
// that delivered it.
func (c *core) strike(source string, err error) {
	type circuit interface {
		upstream.Upstream
		Strike(upstream.Kind, error)
	}
	for _, s := range c.allSources() {
		if guarded, ok := upstream.As[circuit](s); ok && upstream.Name(s) == source {
			guarded.Strike(upstream.SumDBTile, err)
		}
	}
}
