package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/breakwater-go/breakwater/verify"
)

// settings returns the go settings to use.
func (o *Options) settings() (GoSettings, error) {
	if o.Go != nil {
		s := *o.Go
		if o.Offline && o.Upstream == nil {
			s.GOPROXY = cmp.Or(s.GOPROXY, "off") // nobody will be asked
		}
		s.GOSUMDB = cmp.Or(s.GOSUMDB, defaultSumDB)
		s.GONOPROXY = cmp.Or(s.GONOPROXY, s.GOPRIVATE) // as for the go command
		s.GONOSUMDB = cmp.Or(s.GONOSUMDB, s.GOPRIVATE)
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

// A plan is what options come to: settings that have been checked, and sources
// without any middleware but the user's own.
type plan struct {
	settings    GoSettings
	http        *upstream.HTTPOptions // of the proxies in GOPROXY
	credentials upstream.Credentials  // of all https sources
	sources     upstream.Upstream
	direct      io.Closer // what fetches from version control; nil: nothing does
}

// plan finds out what is wrong with the options.
func (o *Options) plan() (*plan, error) {
	settings, err := o.settings()
	if err == nil {
		err = o.check(settings)
	}
	if err != nil {
		return nil, err
	}
	if o.Upstream != nil && o.Go == nil {
		settings.GONOPROXY = "" // which is for the sources that Upstream takes the place of
	}
	p := &plan{settings: settings}
	err = o.addCredentials(p)
	if err == nil {
		err = o.addSources(p)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *plan) close() error {
	if p.direct == nil {
		return nil
	}
	return p.direct.Close()
}

// check finds out here what would otherwise go wrong with each request.
func (o *Options) check(s GoSettings) error {
	lists := []string{s.GONOPROXY, s.GONOSUMDB, s.GOPRIVATE, s.GOINSECURE, o.Pinned, o.Claimed}
	for _, r := range o.Private {
		lists = append(lists, r.Patterns)
		if r.Upstream == nil || r.Patterns == "" {
			return fmt.Errorf("a route in Private (%q) has no patterns or no source", r.Patterns)
		}
	}
	for _, patterns := range lists {
		if err := upstream.CheckPatterns(patterns); err != nil {
			return err
		}
	}
	return o.checkRoutes()
}

// checkRoutes refuses a pattern that is in two routes: the second would never be
// asked.
func (o *Options) checkRoutes() error {
	seen := map[string]bool{}
	for _, r := range o.Private {
		for pattern := range strings.SplitSeq(r.Patterns, ",") {
			if pattern != "" && seen[pattern] {
				return fmt.Errorf("module path pattern %q is in two routes in Private", pattern)
			}
			seen[pattern] = true
		}
	}
	return nil
}

// addSources makes the sources: a module that a route matches is asked of that
// route's source alone, whatever is down.
func (o *Options) addSources(p *plan) error {
	var base upstream.Upstream
	var err error
	routes := slices.Clone(o.Private)
	if o.Upstream == nil {
		base, err = o.openProxies(p)
	} else {
		base, err = o.withDirect(p, o.Upstream)
	}
	for i := range routes {
		if err == nil {
			routes[i].Upstream, err = o.withDirect(p, routes[i].Upstream)
		}
	}
	if err != nil {
		return err
	}
	if p.settings.GONOPROXY != "" {
		direct, err := o.openDirect(p)
		if err != nil {
			return err
		}
		routes = append(routes, upstream.Route{Patterns: p.settings.GONOPROXY, Upstream: direct})
	}
	p.sources = base
	if len(routes) > 0 {
		p.sources = upstream.Routes(base, routes...)
	}
	if slices.Contains(upstream.Sources(p.sources), nil) {
		return errors.New("one of the sources in Upstream is nil")
	}
	return o.addMiddleware(p)
}

// addMiddleware puts the user's own around each source.
func (o *Options) addMiddleware(p *plan) error {
	if o.Middleware == nil {
		return nil
	}
	p.sources = upstream.Wrap(p.sources, o.Middleware)
	if slices.Contains(upstream.Sources(p.sources), nil) {
		return errors.New("Middleware returned nil for one of the sources")
	}
	return nil
}

// addCredentials takes them from where GOAUTH says, if the options do not.
func (o *Options) addCredentials(p *plan) (err error) {
	p.http = new(upstream.HTTPOptions)
	if o.HTTP != nil {
		*p.http = *o.HTTP
	}
	if p.http.Credentials == nil && !o.Offline && !o.closed {
		p.http.Credentials, err = auth.New(p.settings.GOAUTH, nil)
	}
	p.credentials = p.http.Credentials
	return err
}

// openProxies makes the sources of the GOPROXY list.
func (o *Options) openProxies(p *plan) (upstream.Upstream, error) {
	entries, err := upstream.ParseGOPROXY(p.settings.GOPROXY)
	if err != nil {
		return nil, err
	}
	var steps []upstream.Step
	for _, e := range entries {
		source, err := o.openEntry(p, e)
		if err != nil {
			return nil, err
		}
		steps = append(steps, upstream.Step{Upstream: source, OnAnyError: e.OnAnyError})
	}
	return upstream.Fallback(steps...), nil
}

func (o *Options) openEntry(p *plan, e upstream.Entry) (upstream.Upstream, error) {
	if e.URL == "direct" {
		return o.openDirect(p)
	}
	return e.Open(p.http)
}

// compose puts the middleware around the sources: each checks what it sends
// inside its own circuit, and retry sees them as a whole.
func (c *core) compose(sources upstream.Upstream, db *verify.Database) error {
	hedge, retry := c.hedgeOptions(), c.retryOptions()
	sources = upstream.Hedge(upstream.Wrap(sources, c.guard), hedge)
	c.source = breaker.Retry(retry)(sources)
	if db == nil {
		return nil
	}
	if c.opts.closed {
		asked := *db
		asked.Fixed, db = false, &asked // the bundle, or the Client, speaks for it
	}
	itself, err := upstream.NewSumDB(db.Name, db.URL, withoutCertificates(c.plan.http))
	if err != nil {
		return err
	}
	if c.opts.closed {
		itself = upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			return nil, &upstream.Error{Request: req, Source: db.Name, Err: errClosedOff}
		})
	}
	itself = upstream.Hedge(c.guard(itself), hedge)
	route := newDatabaseRoute(db, sources, itself)
	c.database = breaker.Retry(retry)(route)
	return nil
}

// withoutCertificates returns options with which a server does not learn who we are
// from the client certificate that is for others.
func withoutCertificates(o *upstream.HTTPOptions) *upstream.HTTPOptions {
	if o.TLS == nil {
		return o
	}
	anonymous := *o
	anonymous.TLS = o.TLS.Clone()
	anonymous.TLS.Certificates, anonymous.TLS.GetClientCertificate = nil, nil
	return &anonymous
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
		c.watch.watchSource, partition(breaker.Circuit(c.circuitOptions())), upstream.Meter(), contain(c.log), verify.Mend(), verify.Checksums(),
	}
	if c.opts.Prefetch != nil {
		ms = slices.Insert(ms, 0, spare)
	}
	if c.sumDB != nil {
		ms = append(ms, c.sumDB.Signed())
	}
	return upstream.Chain(source, append(ms, verify.Structure(), verify.Spooled(&spool), partition(breaker.Limit(c.opts.Limit)))...)
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
		c.watch.circuitChanged(change)
		if told != nil {
			told(change)
		}
	}
	return &o
}

// retryOptions and hedgeOptions return the options with which the Client's own
// hooks are told, too.
func (c *core) retryOptions() *breaker.RetryOptions {
	var o breaker.RetryOptions
	if c.opts.Retry != nil {
		o = *c.opts.Retry
	}
	o.OnRetry = both(c.watch.retried, o.OnRetry)
	return &o
}

func (c *core) hedgeOptions() *upstream.HedgeOptions {
	var o upstream.HedgeOptions
	if c.opts.Hedge != nil {
		o = *c.opts.Hedge
	}
	o.OnHedge = both(c.watch.hedged, o.OnHedge)
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
		noteAsked(ctx)
		return c.flights.wait(ctx, req, waiting{})
	}
	c.sumDB = verify.NewSumDB(db, upstream.Func(ask), c.store, &verify.SumDBOptions{
		LatestTTL:       c.opts.TTL,
		OnSecurityEvent: c.opts.OnSecurityEvent,
		Strike:          c.strike,
		TakeTurn:        c.takeTurn,
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
