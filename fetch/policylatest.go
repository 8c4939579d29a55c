package fetch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// latest answers a request for @latest: as the Fetcher does, if the policy allows
// that version, else with the highest that it offers. If there is none, what is
// said of the Fetcher's version is the answer: the go command shows it.
func (p *Policed) latest(ctx context.Context, req upstream.Request, r ruling) outcome {
	resp, meta, err := p.metadata(ctx, req)
	if err != nil {
		if v, ok := p.withheld(ctx, req, err); ok {
			return refused(req, v)
		}
		return failed(err, r)
	}
	v := p.judge(ctx, req, meta)
	if !v.denied {
		return allowed(resp, r.or(v))
	}
	if v.class != upstream.Denied {
		return refused(req, v)
	}
	return p.insteadOf(ctx, req, resp, meta.Version, v)
}

// withheld returns why the policy offers none of a list's versions, where a source
// has a list and no @latest. Absence would have the go command look elsewhere, and
// its user not learn why.
func (p *Policed) withheld(ctx context.Context, req upstream.Request, err error) (ruling, bool) {
	if upstream.ClassOf(err) != upstream.NotFound || p.isCool(req.Module()) && len(p.rules) == 0 {
		return ruling{}, false
	}
	list, err := upstream.NewRequest(upstream.List, req.Module(), "")
	if err != nil {
		return ruling{}, false
	}
	l, none := p.offered(withoutNote(ctx), list, ruling{})
	if none != nil || len(l.rejected) == 0 || len(l.ranked("")) > 0 {
		return ruling{}, false
	}
	l.resp.Body.Close()
	highest := slices.MaxFunc(slices.Collect(maps.Keys(l.rejected)), semver.Compare)
	return l.rejected[highest], true
}

// insteadOf answers @latest with another version than the Fetcher's, which v
// denies.
func (p *Policed) insteadOf(ctx context.Context, req upstream.Request, latest *upstream.Response, version string, v ruling) outcome {
	list, err := upstream.NewRequest(upstream.List, req.Module(), "")
	if err != nil {
		return outcome{err: err}
	}
	l, none := p.offered(withoutNote(ctx), list, ruling{})
	if none != nil {
		return none.unlessFinal(req, v)
	}
	for _, candidate := range l.ranked(version) {
		o := p.offer(ctx, req, candidate)
		if o.err == nil {
			o.resp, o.changed = inPlaceOf(latest, l.resp, o.resp), true
			o.decision = Decision{Rule: v.rule, Reason: tidy(candidate + " is offered: " + v.reason)}
			return o
		}
		// If it is denied or not there, the list could not tell.
		if o = o.unlessFinal(req, v); upstream.ClassOf(o.err) != upstream.Denied {
			return o
		}
	}
	return refused(req, v)
}

// unlessFinal returns v's denial in place of one, or of absence, of what was
// asked for on the way; any other failure stays, and is never absence.
func (o outcome) unlessFinal(req upstream.Request, v ruling) outcome {
	r := cannotKnow(v.rule, "it is not known which version to offer", o.err)
	if r.class == upstream.Denied {
		return refused(req, v)
	}
	return refused(req, r)
}

// offer answers with the .info file of a version that the list offers.
func (p *Policed) offer(ctx context.Context, req upstream.Request, version string) outcome {
	info, err := upstream.NewRequest(upstream.Info, req.Module(), version)
	if err != nil {
		return outcome{err: err}
	}
	return p.info(withoutNote(ctx), info, ruling{})
}

// ranked returns the versions that are offered, as the go command ranks them
// (modload/query.go, queryMatcher; modfetch/proxy.go, latestFromList): releases,
// then pre-releases, the highest first, then pseudo-versions, the youngest
// first. Where the source's own latest version is a compatible one, incompatible
// versions come last.
func (l *offer) ranked(latest string) []string {
	var offered []upstream.Listed
	for _, v := range l.listed {
		if _, ok := l.rejected[v.Version]; !ok && l.hasFiles(v.Version) {
			offered = append(offered, v)
		}
	}
	compatible := semver.Build(latest) == ""
	slices.SortStableFunc(offered, func(a, b upstream.Listed) int {
		return cmp.Or(rank(a.Version, compatible)-rank(b.Version, compatible), inRank(a, b))
	})
	versions := make([]string, len(offered))
	for i, v := range offered {
		versions[i] = v.Version
	}
	return versions
}

func rank(version string, compatible bool) int {
	n := 0
	switch {
	case module.IsPseudoVersion(version):
		n = 2
	case semver.Prerelease(version) != "":
		n = 1
	}
	if compatible && semver.Build(version) != "" {
		n += 3
	}
	return n
}

func inRank(a, b upstream.Listed) int {
	if at, err := module.PseudoVersionTime(a.Version); err == nil {
		bt, _ := module.PseudoVersionTime(b.Version)
		return bt.Compare(at)
	}
	return semver.Compare(b.Version, a.Version)
}

// inPlaceOf returns an .info file as the answer to @latest. It is as fresh as
// what it was found by.
func inPlaceOf(latest, list, info *upstream.Response) *upstream.Response {
	answer := *info
	answer.ModTime, answer.Validator = time.Time{}, ""
	answer.Cached = latest.Cached && list.Cached
	answer.Fetched, answer.Stale = latest.Fetched, latest.Stale
	if list.Fetched.Before(latest.Fetched) {
		answer.Fetched = list.Fetched
	}
	if answer.Stale == nil {
		answer.Stale = list.Stale
	}
	return &answer
}
