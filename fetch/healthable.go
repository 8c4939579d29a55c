package fetch

import (
	"fmt"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// nobodysModule is of a domain that nobody can have (RFC 2606), so that only the
// patterns match it that match whatever has no route of its own.
const nobodysModule = "breakwater.invalid/health"

// ordinary reports of each source of modules whether it may be asked for modules
// that no route names.
func (c *core) ordinary() []bool { return c.reached(func(int) bool { return false }) }

// reached reports of each source of modules whether a request gets to it, for a module
// that no route names and nobody has, while some fail, by their index.
func (c *core) reached(fails func(source int) bool) []bool {
	sources := sourcesOf(c.source)
	all := make([]bool, len(sources))
	group, ok := upstream.As[upstream.Group](c.source)
	if !ok {
		all[0] = true
		return all
	}
	req, err := upstream.NewRequest(upstream.List, nobodysModule, "")
	if err != nil {
		return all
	}
	asked := upstream.ReachedFor(group, req, func(s upstream.Upstream) bool { return fails(slices.Index(sources, s)) })
	for i, s := range sources {
		all[i] = slices.Contains(asked, s)
	}
	return all
}

// canFetch reports whether the sources could be asked for a module that no route
// names. One that is on trial counts as one that works: who sends a Client no
// requests while it cannot fetch would never find out otherwise.
func (c *core) canFetch(sources []SourceStats) Ability {
	if c.opts.Offline {
		return Ability{OK: true, Off: true, Reason: "offline: no source is asked"}
	}
	asked := sources[:0:0]
	for i, ordinary := range c.ordinary() {
		if ordinary {
			asked = append(asked, sources[i])
		}
	}
	if !slices.ContainsFunc(asked, mayHave) {
		return Ability{OK: true, Off: true, Reason: "there is no source"}
	}
	switch small, zips := c.reaches(sources, upstream.SmallFiles), c.reaches(sources, upstream.Zips); {
	case !small && !zips:
		return Ability{Reason: outage(asked, upstream.Zips)}
	case !zips:
		return Ability{Reason: "zips: " + outage(asked, upstream.Zips)}
	case !small:
		return Ability{Reason: "all but zips: " + outage(asked, upstream.SmallFiles)}
	case !slices.ContainsFunc(asked, works):
		return Ability{OK: true, Reason: "each source has failed, and is about to be tried again"}
	}
	return Ability{OK: true, Reason: "there is a source to ask"}
}

// works reports whether a source works, as far as is known.
func works(s SourceStats) bool {
	ails := func(h upstream.Health) bool { return h.State != upstream.Working }
	return mayHave(s) && !slices.ContainsFunc(s.Health[:], ails)
}

// mayHave reports whether a source is one: "off" is none.
func mayHave(s SourceStats) bool { return s.Source != upstream.Name(upstream.Off()) }

// outage says why no source is reached.
func outage(asked []SourceStats, l upstream.Lane) string {
	able := func(s SourceStats) bool { return mayHave(s) && s.Health[l].State != upstream.Out }
	if slices.ContainsFunc(asked, able) {
		return "a source is out, and what is behind its comma in GOPROXY is not asked then"
	}
	return "each source is out"
}

// reaches reports whether a request gets to a source that is not out: in a list, one
// that is out keeps those behind a comma from being asked.
func (c *core) reaches(sources []SourceStats, l upstream.Lane) bool {
	out := func(i int) bool { return sources[i].Health[l].State == upstream.Out }
	for i, reached := range c.reached(out) {
		if reached && mayHave(sources[i]) && !out(i) {
			return true
		}
	}
	return false
}

// failureHolds is for how long the database counts as one that cannot be asked after
// it failed, if nobody asks it.
const failureHolds = time.Minute

// canVerify reports whether what is fetched could be verified. That the database
// failed holds for a while only, as with a source that is on trial.
func (c *core) canVerify() Ability {
	switch d := c.databaseStats(); {
	case c.opts.Offline:
		return Ability{OK: true, Off: true, Reason: "offline: nothing is fetched"}
	case c.opts.Verifier != nil:
		return Ability{OK: true, Reason: "a Verifier is asked, of which nothing is known"}
	case d == nil && c.opts.GoSum != nil:
		return Ability{OK: true, Reason: "by go.sum alone"}
	case d == nil:
		return Ability{OK: true, Off: true, Reason: "nothing is verified"}
	case d.Answered.IsZero() && d.Failed.IsZero():
		return Ability{OK: true, Reason: d.Name + " was not asked yet"}
	case !d.Failed.After(d.Answered):
		return Ability{OK: true, Reason: d.Name + " answers"}
	case time.Since(d.Failed) >= failureHolds:
		return Ability{OK: true, Reason: fmt.Sprintf("%s failed, and was not asked for %v", d.Name, failureHolds), Err: d.Err}
	default:
		return Ability{Reason: d.Name + " fails: " + upstream.ClassOf(d.Err).String(), Err: d.Err}
	}
}
