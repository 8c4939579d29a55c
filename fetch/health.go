package fetch

import (
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// Abilities are a set of what a [Client] can do.
type Abilities uint8

const (
	CanServe  Abilities = 1 << iota // answer from what is at hand
	CanFetch                        // get from the sources what is not
	CanVerify                       // have verified what it gets
)

// Health is what a [Client] can do at present, as far as is known: the store is
// asked, and of the sources and the checksum database it is told how they fared when
// they were asked last. It has no module path and no credential in it. The names of
// sources it has, as they are configured: that of a file:// source is a place on this
// machine.
type Health struct {
	Ready bool `json:"ready"` // whether all is there that is required

	Serve  Ability `json:"serve"`  // answer from what is at hand
	Fetch  Ability `json:"fetch"`  // get from the sources what is not
	Verify Ability `json:"verify"` // have verified what it gets

	Sources  []SourceHealth  `json:"sources"`            // as in [Stats]; never nil
	Database *DatabaseHealth `json:"database,omitempty"` // nil where none is verified
}

// An Ability is whether a Client can do something.
type Ability struct {
	// OK is whether it can, or need not because it is Off.
	OK bool `json:"ok"`

	// Off is whether the configuration does without it.
	Off bool `json:"off,omitempty"`

	// Reason says in a few words why, in either case.
	Reason string `json:"reason"`

	// Err is what failed, where that is known. Unlike Reason it is not for strangers:
	// it may name files and modules.
	Err error `json:"-"`
}

// Values of [SourceHealth].Role.
const (
	ForModules  = "modules"           // of all that have no source of their own
	ForPrivate  = "private modules"   // that a route leads to it
	ForDatabase = "checksum database" // the server of the database itself
)

// SourceHealth is how one source fares.
type SourceHealth struct {
	Name string `json:"name"` // without credentials
	Role string `json:"role"` // what it is asked for: [ForModules], [ForPrivate] or [ForDatabase]

	// State is the worst of Lanes, which has the state of the source's circuit by the
	// name of the lane: "working", "on trial" or "out". A source that is many servers,
	// each with a circuit of its own, is working; AilingParts are those of its servers
	// that are not.
	State       string            `json:"state"`
	Lanes       map[string]string `json:"lanes"`
	AilingParts int               `json:"ailing_parts,omitempty"`

	// Failed is when the source failed last, other than by "not found", and Failure
	// the class of that error. They stay when later calls succeed.
	Failed  time.Time `json:"failed,omitzero"`
	Failure string    `json:"failure,omitempty"`
}

// DatabaseHealth is how the checksum database fares; see [verify.SumDBStanding].
type DatabaseHealth struct {
	Name           string    `json:"name"`               // the database's name
	TreeSize       int64     `json:"tree_size"`          // records that the latest known tree head covers; 0: none is known
	Confirmed      time.Time `json:"confirmed,omitzero"` // when a source last delivered a head that is no older
	Answered       time.Time `json:"answered,omitzero"`  // when a source last answered anything
	Failed         time.Time `json:"failed,omitzero"`    // when a question last failed
	Failure        string    `json:"failure,omitempty"`  // class of the error
	SecurityEvents int64     `json:"security_events"`    // more than 0 are to be looked into
}

// health returns what is known, but for Serve and Ready.
func (c *core) health() *Health {
	sources := c.sourceStats()
	return &Health{
		Fetch: c.canFetch(sources), Verify: c.canVerify(),
		Sources: c.sourceHealth(sources), Database: c.databaseHealth(),
	}
}

// closedHealth is that of a Client that was closed.
func closedHealth() *Health {
	closed := Ability{Reason: "it was closed", Err: errClosed}
	return &Health{Serve: closed, Fetch: closed, Verify: closed, Sources: []SourceHealth{}}
}

// has returns what h says is there, or need not be.
func (h *Health) has() Abilities {
	var all Abilities
	if h.Serve.OK {
		all |= CanServe
	}
	if h.Fetch.OK {
		all |= CanFetch
	}
	if h.Verify.OK {
		all |= CanVerify
	}
	return all
}

func (c *core) sourceHealth(sources []SourceStats) []SourceHealth {
	all, ordinary := []SourceHealth{}, c.ordinary()
	known := sourcesOf(c.source)
	for i, s := range sources {
		one := SourceHealth{Name: s.Source, Role: ForDatabase, AilingParts: len(s.Parts), Lanes: map[string]string{}}
		worst := upstream.Working
		for l, h := range s.Health {
			one.Lanes[upstream.Lane(l).String()] = h.State.String()
			worst = max(worst, h.State)
		}
		one.State = worst.String()
		if i < len(known) {
			one.Role = ForPrivate
			if ordinary[i] {
				one.Role = ForModules
			}
		}
		if f := s.LastFailure; f != nil {
			one.Failed, one.Failure = f.Begun.Add(f.Took).UTC(), f.Err.Class.String()
		}
		all = append(all, one)
	}
	return all
}

func (c *core) databaseHealth() *DatabaseHealth {
	d := c.databaseStats()
	if d == nil {
		return nil
	}
	h := &DatabaseHealth{
		Name: d.Name, TreeSize: d.TreeSize, SecurityEvents: d.SecurityEvents,
		Confirmed: d.Confirmed.UTC(), Answered: d.Answered.UTC(), Failed: d.Failed.UTC(),
	}
	if d.Err != nil {
		h.Failure = upstream.ClassOf(d.Err).String()
	}
	return h
}
