package upstream

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

var errNoSources = errors.New("no source is configured for it")

// A Member is one of a group of mirrors.
type Member struct {
	Upstream Upstream // the member itself: a source, or a group of some

	// Weight is the member's part of the requests where the [Balance] heeds it,
	// in relation to the others'. Zero or less means 1.
	Weight int

	// Backup is asked only when all others are out or have failed.
	Backup bool
}

// MirrorsOptions tunes [NewMirrors]. A nil *MirrorsOptions and zero fields mean
// the defaults.
type MirrorsOptions struct {
	// Balance chooses who is asked first, and who next. Default: the order of
	// the members.
	Balance Balance

	// SlowStart is how long a member that comes back after it was out (see
	// [HealthOf]) is given less than its part: a tenth at first, then more, so
	// that it is not overrun while its caches are cold. Default: 20 s;
	// negative: it has its part at once.
	SlowStart time.Duration
}

// Mirrors asks members that are equal: each is supposed to have everything.
// They are asked in order until one answers; any failure moves on, and "not
// found" asks the others too, for a mirror may be behind. If nobody has it and
// any member said "not found", that is the answer, but where other members
// were failing it is not conclusive (see [Error.Conclusive]). With no members
// everything is unavailable.
//
// Use it only for sources that may all see the same module paths.
func Mirrors(members ...Upstream) Upstream {
	var all []Member
	for _, m := range members {
		all = append(all, Member{Upstream: m})
	}
	return NewMirrors(nil, all...)
}

// NewMirrors is [Mirrors] with a choice of who is asked first. Members that are
// out come last, for they may be all there is; before them the backups, and
// before those the ones that have just come back and are not up to their full
// part yet.
func NewMirrors(opts *MirrorsOptions, members ...Member) Upstream {
	var o MirrorsOptions
	if opts != nil {
		o = *opts
	}
	o.SlowStart = cmp.Or(o.SlowStart, 20*time.Second)
	members = slices.Clone(members)
	for i := range members {
		members[i].Weight = max(1, members[i].Weight)
	}
	return &mirrors{opts: o, members: members}
}

type mirrors struct {
	opts    MirrorsOptions
	members []Member
	hedge   *hedger // nil: one after the other
	races   sync.WaitGroup
}

func (m *mirrors) Fetch(ctx context.Context, req Request) (*Response, error) {
	out := runRace(ctx, req, m.runners(req), m.hedge, &m.races)
	if out.resp != nil {
		return out.resp, nil
	}
	if !out.cut && len(out.attempts) > 1 {
		for _, e := range out.attempts {
			if e.Class == NotFound && rank(e) > 0 { // "off" and "direct" have never been asked
				return nil, withAttempts(e, out.attempts)
			}
		}
	}
	return nil, out.fail(ctx, req)
}

// runners returns the members in the order in which req is to ask them: the
// places in their order, and the first that is taken in the order of the Balance.
func (m *mirrors) runners(req Request) []runner {
	lane := req.Kind().Lane()
	var at [places][]int
	for i := range m.members {
		p := m.place(i, lane)
		at[p] = append(at[p], i)
	}
	var runners []runner
	for _, members := range at {
		if runners == nil {
			members = m.order(req, lane, members)
		}
		for _, i := range members {
			member := m.members[i]
			runners = append(runners, runner{Upstream: member.Upstream, reserve: member.Backup, reluctant: isReluctant(member.Upstream)})
		}
	}
	return runners
}

// order returns members, by index, in the order of the Balance.
func (m *mirrors) order(req Request, l Lane, members []int) []int {
	if m.opts.Balance == nil || len(members) < 2 {
		return members
	}
	candidates := make([]Candidate, len(members))
	for i, j := range members {
		member := m.members[j]
		candidates[i] = Candidate{Source: Name(member.Upstream), Weight: member.Weight}
		candidates[i].Figures, _ = FiguresOf(member.Upstream, l)
	}
	var ordered []int
	for _, i := range complete(m.opts.Balance.Order(req, candidates), len(members)) {
		ordered = append(ordered, members[i])
	}
	return ordered
}

// complete makes a permutation of what a Balance returned: it may be anybody's.
func complete(order []int, n int) []int {
	seen := make([]bool, n)
	var whole []int
	for _, i := range order {
		if 0 <= i && i < n && !seen[i] {
			seen[i] = true
			whole = append(whole, i)
		}
	}
	for i := range n {
		if !seen[i] {
			whole = append(whole, i)
		}
	}
	return whole
}

// A place is a part of the order, before which no balance puts anybody of a
// later one.
type place int

const (
	regular place = iota
	recovering
	backup
	out

	places = iota // how many there are
)

func (m *mirrors) place(i int, l Lane) place {
	health := HealthOf(m.members[i].Upstream, l)
	switch {
	case health.State == Out:
		return out
	case m.members[i].Backup:
		return backup
	case health.State == Working && !m.hasItsPart(health.Back):
		return recovering
	}
	return regular
}

// hasItsPart draws whether a member that came back then is up to this request.
func (m *mirrors) hasItsPart(back time.Time) bool {
	since := time.Since(back)
	if back.IsZero() || since >= m.opts.SlowStart {
		return true
	}
	part := max(0.1, float64(since)/float64(m.opts.SlowStart))
	return rand.Float64() < part
}

func (m *mirrors) Members() []Upstream {
	members := make([]Upstream, len(m.members))
	for i, member := range m.members {
		members[i] = member.Upstream
	}
	return members
}

func (m *mirrors) With(members []Upstream) Upstream {
	changed := slices.Clone(m.members)
	for i := range changed {
		changed[i].Upstream = members[i]
	}
	return &mirrors{opts: m.opts, members: changed, hedge: m.hedge}
}

func (m *mirrors) withHedger(h *hedger) Upstream {
	return &mirrors{opts: m.opts, members: m.members, hedge: h}
}

func (m *mirrors) drain() { m.hedge.drain(&m.races) }
