package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// list answers a request for a list with those versions that the policy allows.
// If there are none, the list is empty, and the go command asks for @latest.
func (p *Policed) list(ctx context.Context, req upstream.Request, r ruling) outcome {
	l, none := p.offered(ctx, req, r)
	if none != nil {
		return *none
	}
	if len(l.rejected) == 0 {
		if r.rule == "" && !p.isCool(req.Module()) {
			r = ruling{rule: "cooldown"}
		}
		return allowed(l.resp, r)
	}
	o := allowed(withContent(l.resp, l.keptLines()), l.summary())
	o.changed = true
	return o
}

// An offer is a list under the policy.
type offer struct {
	resp     *upstream.Response // of the whole list
	data     []byte
	listed   []upstream.Listed
	rejected map[string]ruling // by version
	major    string            // of the module path, as in module.SplitPathVersion
}

// offered fetches a list that r allows. What the policy cannot know because of an
// outage fails it: a list that lacks a version must not be taken for the truth.
func (p *Policed) offered(ctx context.Context, req upstream.Request, r ruling) (*offer, *outcome) {
	resp, data, err := p.fetchWhole(ctx, req)
	if err != nil {
		return nil, new(failed(err, r))
	}
	listed, err := upstream.ParseList(data)
	if err != nil {
		return nil, new(failed(upstream.AsError(err, req, resp.Source), r))
	}
	l := &offer{resp: resp, data: data, listed: listed}
	unknown := l.reject(ctx, p, req.Module())
	if unknown != nil {
		return nil, new(refused(req, *unknown))
	}
	return l, nil
}

// reject finds the versions that are not offered. It returns a ruling if that
// cannot be known.
func (l *offer) reject(ctx context.Context, p *Policed, path string) *ruling {
	l.rejected = map[string]ruling{}
	s := series{policed: p, path: path, dates: map[string]time.Time{}, young: l.rejected}
	about, cool := p.rules.about(path), p.isCool(path)
	_, l.major, _ = module.SplitPathVersion(path)
	var versions []string
	for _, v := range l.listed {
		if r := about.forVersion(v.Version); r.denied {
			l.rejected[v.Version] = r
			continue
		}
		if cool || !l.hasFiles(v.Version) {
			continue
		}
		versions = append(versions, v.Version)
		if !v.Time.IsZero() {
			s.dates[v.Version] = v.Time
		}
	}
	return s.walkAll(ctx, inSeries(versions))
}

// hasFiles reports whether a version is one that files can be asked for by.
func (l *offer) hasFiles(version string) bool {
	return module.CanonicalVersion(version) == version && module.CheckPathMajor(version, l.major) == nil
}

// keptLines returns the list without the lines of rejected versions. Whatever
// else is in it stays as it is.
func (l *offer) keptLines() []byte {
	kept := []byte{}
	for line := range bytes.Lines(l.data) {
		fields := bytes.Fields(line)
		if len(fields) > 0 {
			if _, ok := l.rejected[string(fields[0])]; ok {
				continue
			}
		}
		kept = append(kept, line...)
	}
	return kept
}

// summary returns what was left out, the highest first, as the ruling of the part
// that rejected the highest.
func (l *offer) summary() ruling {
	var left []string
	for v := range l.rejected {
		left = append(left, v)
	}
	slices.SortFunc(left, func(a, b string) int { return cmp.Or(semver.Compare(b, a), strings.Compare(b, a)) })
	reason := fmt.Sprintf("left out %d of %d versions: %s", len(left), len(l.listed), strings.Join(left, ", "))
	return ruling{rule: l.rejected[left[0]].rule, reason: tidy(reason)}
}

// withContent returns resp with other content. When that changed is not known:
// it depends on the policy, and on the time of day.
func withContent(resp *upstream.Response, content []byte) *upstream.Response {
	digest := sha256.Sum256(content)
	other := *resp
	other.Body, other.Size = cache.NewBody(content), int64(len(content))
	other.Digest = hex.EncodeToString(digest[:])
	other.ModTime, other.Validator = time.Time{}, ""
	return &other
}

// inSeries sorts versions into series that come out in order, for what
// [Policy.Cooldown] says, each with its highest version first.
func inSeries(versions []string) [][]string {
	byName := map[string][]string{}
	for _, v := range versions {
		name := seriesOf(v)
		byName[name] = append(byName[name], v)
	}
	var all [][]string
	for _, one := range byName {
		semver.Sort(one)
		slices.Reverse(one)
		all = append(all, one)
	}
	return all
}

func seriesOf(version string) string {
	minor := semver.MajorMinor(version)
	switch {
	case semver.Prerelease(version) != "":
		return minor + "-"
	case strings.TrimSuffix(version, semver.Build(version)) == minor+".0":
		return semver.Major(version)
	}
	return minor
}

const (
	// maxAsked is how many series of a list are asked about at the same time.
	maxAsked = 8

	// maxDates bounds the dates that are asked for one list. What is in a list
	// the author of a module chooses.
	maxDates = 500
)

// series is what is known of a module's versions while they are asked about.
type series struct {
	policed *Policed
	path    string
	dates   map[string]time.Time // from the list

	mu     sync.Mutex
	young  map[string]ruling
	asked  int
	failed *ruling
}

// walkAll walks down every series. What is at hand is looked at first, so that
// mostly nothing has to be asked.
func (s *series) walkAll(ctx context.Context, all [][]string) *ruling {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var rest [][]string
	for _, one := range all {
		if one = s.walk(ctx, one, s.atHand); len(one) > 0 {
			rest = append(rest, one)
		}
	}
	if len(rest) > maxDates { // each takes one at least: nothing is asked in vain
		s.tooMany()
		return s.failed
	}
	var workers sync.WaitGroup
	places := make(chan struct{}, maxAsked)
	for _, one := range rest {
		places <- struct{}{}
		workers.Go(func() {
			defer func() { <-places }()
			s.walk(ctx, one, s.mayAsk)
			if !s.goesOn() {
				stop()
			}
		})
	}
	workers.Wait()
	return s.failed
}

// walk rejects versions from the highest down to the first that is old enough.
// It returns those that are left when it may not look any further.
func (s *series) walk(ctx context.Context, versions []string, mayLook func(version string) bool) []string {
	for i, v := range versions {
		if !mayLook(v) {
			return versions[i:]
		}
		at := s.dates[v]
		r := s.policed.age(ctx, module.Version{Path: s.path, Version: v}, publication{at, !at.IsZero()})
		if !r.denied {
			return nil
		}
		s.reject(v, r)
	}
	return nil
}

func (s *series) atHand(version string) bool {
	if s.policed.policy.Published != nil {
		_, ok := s.policed.dates.recall(module.Version{Path: s.path, Version: version})
		return ok
	}
	return !s.dates[version].IsZero() || s.policed.ageAtHand(module.Version{Path: s.path, Version: version})
}

// reject notes that a version is not offered. A version that the sources list
// but do not have, or do not hand out, cannot be offered; any other want of
// knowledge fails the list.
func (s *series) reject(version string, r ruling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.class == upstream.Denied {
		s.young[version] = r
	} else if s.failed == nil {
		s.failed = &r
	}
}

// mayAsk counts the versions that are asked about, up to the bound.
func (s *series) mayAsk(version string) bool {
	if s.atHand(version) {
		return s.goesOn()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked++; s.asked > maxDates {
		s.tooMany()
	}
	return s.failed == nil
}

// tooMany fails the list, for good: an outage it is not. mu is held, or nobody
// else there yet.
func (s *series) tooMany() {
	if s.failed == nil {
		r := deny("cooldown", fmt.Sprintf("it is not known how old the versions in the list are: more than %d would have to be asked about; ask for one by its name", maxDates))
		s.failed = &r
	}
}

func (s *series) goesOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed == nil
}
