package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/breakwater-go/breakwater/verify"
)

// A diagnoser asks the sources of a plan, without any of the middleware that would
// keep the truth from it.
type diagnoser struct {
	core     *core             // of the options alone: it has no store, no flights and no middleware
	sources  upstream.Upstream // each contained
	database *databaseRoute    // nil: none
	itself   upstream.Upstream // the database's own server
	heads    *verify.SumDB     // to ask for a tree head
	probe    upstream.Request
	vouching *vouching
}

func newDiagnoser(o Options, p *plan) (*diagnoser, error) {
	d := &diagnoser{
		core: &core{
			opts: o, log: o.Logger, plan: p,
			noSumDB: o.unlistedPatterns(p.settings), routed: o.routedPatterns(p.settings), sumDBSetting: p.settings.GOSUMDB,
		},
		sources: upstream.Wrap(p.sources, contain(o.Logger)),
		itself:  upstream.Off(),
	}
	module := breaker.DefaultProbeModule
	if o.Probe != nil {
		module = cmp.Or(o.Probe.Module, module)
	}
	var err error
	if d.probe, err = upstream.NewRequest(upstream.List, module, ""); err != nil {
		return nil, fmt.Errorf("the module to probe with: %w", err)
	}
	if err := d.addDatabase(o, p); err != nil {
		return nil, err
	}
	d.vouching = &vouching{verifier: d.core.chooseVerifier(), asked: map[string]*verify.Expectation{}}
	return d, nil
}

// addDatabase has the checksum database asked as a Client would ask it, but with
// nothing known of it beforehand.
func (d *diagnoser) addDatabase(o Options, p *plan) error {
	db, err := verify.ParseGOSUMDB(p.settings.GOSUMDB)
	if err != nil || db == nil {
		return err
	}
	itself, err := upstream.NewSumDB(db.Name, db.URL, withoutCertificates(p.http))
	if err != nil {
		return err
	}
	d.itself = contain(o.Logger)(itself)
	formed := verify.Structure()
	d.database = newDatabaseRoute(db, upstream.Wrap(d.sources, formed), formed(d.itself))
	d.core.sumDB, d.heads = d.engine(db), d.engine(db)
	return nil
}

// engine returns one that knows nothing yet: one that has a tree head would give it
// while nobody can be asked.
func (d *diagnoser) engine(db *verify.Database) *verify.SumDB {
	return verify.NewSumDB(db, d.database, cache.NewMemory(nil), &verify.SumDBOptions{Logger: d.core.log})
}

var errDiagnosisBound = errors.New("no answer within the time that a diagnosis gives")

// bounded returns ctx with the bound for one source.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, maxDiagnosis, errDiagnosisBound)
}

// run asks all at once and waits for all.
func (d *diagnoser) run(ctx context.Context) *Diagnosis {
	result := &Diagnosis{At: time.Now()}
	sources := distinct(upstream.Sources(d.sources))
	told := make([]*inquiry, len(sources), len(sources)+1)
	for i, s := range sources {
		told[i] = &inquiry{diagnoser: d, upstream: s, lookout: new(lookout), said: SourceDiagnosis{Source: upstream.Name(s)}}
	}
	if d.database != nil {
		told = append(told, &inquiry{diagnoser: d, lookout: new(lookout), said: SourceDiagnosis{Source: d.core.sumDB.Name(), Database: true}})
	}
	asks := d.requests(sources)
	offline := d.core.opts.Offline || upstream.Offline(ctx)
	vouchCtx, cancel := bounded(ctx)
	vouchCtx, stop := upstream.WithExchanges(vouchCtx, func(upstream.Exchange) {})
	d.vouching.ctx = vouchCtx
	var all sync.WaitGroup
	for i, t := range told {
		all.Go(func() {
			defer t.end(time.Now())
			defer t.survive()
			switch {
			case offline:
				t.said.Note = "not asked: offline"
			case t.said.Database:
				t.askDatabase(ctx)
			default:
				t.askSource(ctx, asks[i])
			}
		})
	}
	all.Wait()
	cancel()
	d.vouching.wait()
	stop()
	result.Findings = d.overall(told, offline)
	for _, t := range told {
		t.said.OK = sound(t.said.Findings)
		result.Sources = append(result.Sources, t.said)
	}
	result.Took = time.Since(result.At)
	return result
}

// distinct leaves out where version control is a source again, as for GONOPROXY.
func distinct(sources []upstream.Upstream) []upstream.Upstream {
	seen := map[*gocmd.Source]bool{}
	return slices.DeleteFunc(sources, func(s upstream.Upstream) bool {
		command, ok := upstream.As[*gocmd.Source](s)
		again := ok && seen[command]
		seen[command] = true
		return again
	})
}

// An inquiry is what is asked of one source, and what it said.
type inquiry struct {
	diagnoser *diagnoser
	upstream  upstream.Upstream
	lookout   *lookout
	madeUp    bool // the module that is asked for is nobody's

	exchanges []upstream.Exchange
	hops      []hop
	said      SourceDiagnosis
}

// survive makes a finding of a panic, as of a Verifier of the embedder's.
func (t *inquiry) survive() {
	if p := recover(); p != nil {
		t.find(Finding{Text: "the diagnosis itself failed", Err: fmt.Errorf("panic: %v", p)})
	}
}

func (t *inquiry) find(f Finding) { t.said.Findings = append(t.said.Findings, f) }

// look takes over what was seen so far.
func (t *inquiry) look() { t.exchanges, t.hops = t.lookout.seen() }

// end writes down what was seen on the way.
func (t *inquiry) end(begun time.Time) {
	t.look()
	t.said.Took = time.Since(begun)
	if len(t.hops) > 0 {
		t.said.Steps = t.hops[0].steps()
		t.said.Address = t.hops[0].address
	}
	if len(t.exchanges) == 0 {
		return
	}
	first, last := t.exchanges[0], t.exchanges[len(t.exchanges)-1]
	t.said.Proxy, t.said.Status, t.said.Credentials = first.Proxy, last.Status, first.Credentials || last.Credentials
	t.said.Redirected = redirectedTo(t.exchanges)
	if t.said.Certificate == nil && first.TLS != nil && len(first.TLS.PeerCertificates) > 0 {
		t.said.Certificate = shownCertificate(first.TLS.PeerCertificates[0])
	}
}

// redirectedTo returns where the last redirect to another server led, if one was
// followed. A request that was not redirected may have come after it.
func redirectedTo(exchanges []upstream.Exchange) string {
	led := ""
	for i, e := range exchanges[1:] {
		if from := exchanges[i]; from.Location == e.URL && from.URL != e.URL {
			led = e.URL
		}
	}
	return led
}
