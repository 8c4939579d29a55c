package fetch

import (
	"context"
	"fmt"
	"io"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Policed is a [Fetcher] under a [Policy]. Its methods may be called by many
// goroutines at once. What is reached behind it, by Unwrap or [upstream.As], is
// not policed.
type Policed struct {
	next     Fetcher
	policy   Policy // with its defaults; the caller's Rules are not looked at any more
	rules    rules
	dates    *consultation[module.Version, publication]
	verdicts *consultation[content, error]
}

// Name returns the name of the Fetcher that is policed.
func (p *Policed) Name() string { return upstream.Name(p.next) }

// Unwrap returns the Fetcher that is policed.
func (p *Policed) Unwrap() upstream.Upstream { return p.next }

// Close has the calls of Check and Published end, and waits for them: for ever,
// if one does not heed its context. It does not close the Fetcher. What needs
// such a call is refused from then on, with an error of class Canceled. Closing
// again does nothing.
func (p *Policed) Close() error {
	p.dates.close()
	p.verdicts.close()
	return nil
}

// Fetch answers req if the policy allows it. A denial is an [*upstream.Error]
// whose cause is a [*PolicyError].
func (p *Policed) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	beneath := p.beneath(ctx)
	o := p.apply(beneath, req)
	o.decision.Request, o.decision.DryRun = req, p.policy.DryRun
	if gone := o.err != nil && ctx.Err() != nil; o.decision.Rule != "" && !gone {
		p.note(ctx, o.decision)
	}
	if !p.policy.DryRun || !o.decision.Denied && !o.changed {
		return o.resp, o.err
	}
	closeBody(o.resp)
	return p.next.Fetch(beneath, req)
}

// beneath returns the context for the Fetcher. Only another policy right there
// notes what it decides: a [Client] asks its sources for many callers at once,
// or for none.
func (p *Policed) beneath(ctx context.Context) context.Context {
	if _, ok := p.next.(*Policed); ok {
		return ctx
	}
	return withoutNote(ctx)
}

func (p *Policed) note(ctx context.Context, d Decision) {
	if n, ok := noteOf(ctx); ok {
		n.add(d)
	}
	if p.policy.OnDecision != nil {
		p.policy.OnDecision(ctx, d)
	}
}

// An outcome is the answer to a request under the policy.
type outcome struct {
	resp     *upstream.Response
	err      error
	decision Decision // without a Rule, no part of the policy had a say
	changed  bool     // it is not the Fetcher's own answer
}

func refused(req upstream.Request, r ruling) outcome {
	d := Decision{Request: req, Denied: true, Rule: r.rule, Reason: r.reason}
	return outcome{err: r.error(d), decision: d}
}

func allowed(resp *upstream.Response, r ruling) outcome {
	return outcome{resp: resp, decision: Decision{Rule: r.rule, Reason: r.reason}}
}

// failed is the outcome of what r allows and the Fetcher does not answer.
func failed(err error, r ruling) outcome {
	o := allowed(nil, r)
	o.err = err
	return o
}

// pass has the Fetcher answer what r allows.
func (p *Policed) pass(ctx context.Context, req upstream.Request, r ruling) outcome {
	resp, err := p.next.Fetch(ctx, req)
	if err != nil {
		return failed(err, r)
	}
	return allowed(resp, r)
}

func (p *Policed) apply(ctx context.Context, req upstream.Request) outcome {
	path := req.Module()
	if path == "" {
		return p.pass(ctx, req, ruling{})
	}
	if req.Immutable() {
		return p.file(ctx, req, module.Version{Path: path, Version: req.Version()})
	}
	about := p.rules.about(path)
	r := about.forAll()
	switch {
	case r.denied:
		return refused(req, r)
	case p.isCool(path) && !about.tellVersionsApart():
		return p.pass(ctx, req, r)
	case req.Kind() == upstream.List:
		return p.list(ctx, req, r)
	case req.Kind() == upstream.Latest:
		return p.latest(ctx, req, r)
	}
	return p.info(ctx, req, r)
}

// file answers a request for a file of a version, or for what a checksum
// database knows of it, which depends on nothing but the rules.
func (p *Policed) file(ctx context.Context, req upstream.Request, m module.Version) outcome {
	r := p.rules.about(m.Path).forVersion(m.Version)
	switch {
	case r.denied:
		return refused(req, r)
	case req.Kind() == upstream.SumDBLookup:
		return p.pass(ctx, req, r)
	case req.Kind() == upstream.Info && !p.ageAtHand(m):
		return p.info(ctx, req, r) // it tells the age itself
	}
	age := p.age(ctx, m, publication{})
	if age.denied {
		return p.refuseByAge(ctx, req, r, age)
	}
	if req.Kind() == upstream.Zip {
		return p.zip(ctx, req, m, r.or(age))
	}
	return p.pass(ctx, req, r.or(age))
}

// info answers a request for metadata that tell the age of what they are of.
func (p *Policed) info(ctx context.Context, req upstream.Request, r ruling) outcome {
	resp, meta, err := p.metadata(ctx, req)
	if err != nil {
		return failed(err, r)
	}
	v := p.judge(ctx, req, meta)
	if !v.denied {
		return allowed(resp, r.or(v))
	}
	closeBody(resp)
	if meta.Version != req.Version() {
		v.reason = tidy(req.Version() + " stands for " + meta.Version + ": " + v.reason)
	}
	return refused(req, v)
}

// judge returns what rules and cooldown say of the version that answers req.
func (p *Policed) judge(ctx context.Context, req upstream.Request, meta upstream.Metadata) ruling {
	m := module.Version{Path: req.Module(), Version: meta.Version}
	r := p.rules.about(m.Path).forVersion(m.Version)
	if r.denied {
		return r
	}
	var hint publication // where an answer to a query gives no time, the .info file may
	switch {
	case meta.Version == req.Version():
		hint = p.learn(m, meta)
	case !meta.Time.IsZero():
		hint = publication{meta.Time, true}
	}
	age := p.age(ctx, m, hint)
	if age.denied {
		return age
	}
	return r.or(age)
}

// metadata returns the answer to req, and what it says.
func (p *Policed) metadata(ctx context.Context, req upstream.Request) (*upstream.Response, upstream.Metadata, error) {
	resp, data, err := p.fetchWhole(ctx, req)
	if err != nil {
		return nil, upstream.Metadata{}, err
	}
	meta, err := upstream.ParseMetadata(req, data)
	if err != nil {
		return nil, meta, upstream.AsError(err, req, resp.Source)
	}
	return resp, meta, nil
}

// fetchWhole returns the answer to req and its content, from which the answer's
// Body can be read, too. The Body is in memory and need not be closed.
func (p *Policed) fetchWhole(ctx context.Context, req upstream.Request) (*upstream.Response, []byte, error) {
	resp, err := p.next.Fetch(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	limit := req.Kind().MaxSize()
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
	case int64(len(data)) > limit:
		err = fmt.Errorf("its content is larger than %d bytes", limit)
	case resp.Size > 0 && int64(len(data)) != resp.Size:
		err = fmt.Errorf("body has %d bytes, %d were announced", len(data), resp.Size)
	}
	if err != nil {
		return nil, nil, upstream.AsError(err, req, resp.Source)
	}
	whole := *resp
	whole.Body, whole.Size = cache.NewBody(data), int64(len(data))
	return &whole, data, nil
}
