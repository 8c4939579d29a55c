package upstream

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// HedgeOptions says when a second source is asked beside a first that keeps
// silent. A nil *HedgeOptions and zero fields mean the defaults.
//
// The rule is that of "The Tail at Scale" (Dean and Barroso, 2013): wait for as
// long as the first source usually takes, its 95th percentile, so that hedges
// are few and yet cut off the slow tail.
type HedgeOptions struct {
	// Initial is how long a source is waited for of which less than five answers
	// are known. It is twice what it usually takes in another lane, or others
	// in the group take, if that is known and less. Default: 300 ms.
	Initial time.Duration

	// Min and Max bound the wait for a source that is known; it is never more
	// than three times the median either, so that a few calls that hang do not
	// make it long. Defaults: 50 ms and 2 s.
	Min, Max time.Duration

	// Share is how many requests more there may be for hedging, as a part of
	// the others. Default: 0.05. A hedge that wins its race is not counted: the
	// request had to be made.
	Share float64

	// Burst is how many hedges there may be before Share counts; one is added
	// each second, for times in which there is little to have a share of.
	// Default: 16; negative: there are no hedges, and nobody is asked again.
	Burst int

	// Trial is how long a source that was out and is tried again has for its
	// first byte, also when another has answered meanwhile. Default: 5 s.
	Trial time.Duration

	// OnHedge is called for each request that was made beside another, when its
	// race is decided, by the goroutine of the call. Default: nobody is told.
	OnHedge func(context.Context, HedgeEvent)
}

// A HedgeEvent says that a source was asked while another was still being asked.
type HedgeEvent struct {
	Request Request       // what both were asked for
	Source  string        // which was asked
	Beside  string        // which was being asked already; the latest, if there were several
	After   time.Duration // how long that one had been asked
	Again   bool          // the source had been asked before in the same race
	Won     bool          // its answer was the first
}

func (o *HedgeOptions) withDefaults() HedgeOptions {
	var opts HedgeOptions
	if o != nil {
		opts = *o
	}
	opts.Initial = cmp.Or(opts.Initial, 300*time.Millisecond)
	opts.Min = cmp.Or(opts.Min, 50*time.Millisecond)
	opts.Max = cmp.Or(opts.Max, 2*time.Second)
	opts.Share = cmp.Or(opts.Share, 0.05)
	opts.Burst = cmp.Or(opts.Burst, 16)
	opts.Trial = cmp.Or(opts.Trial, 5*time.Second)
	return opts
}

// Hedge returns u with its groups of mirrors, and the "|" of its lists, asking
// the next source also when one keeps silent for longer than it usually does, or
// sends its body too slowly. The first good answer wins; the others are
// cancelled, with [ErrOutpaced] as the cause if they had the time to win, and
// their bodies closed. All groups in u share the budget.
//
// Nobody is asked who might not have been asked without it: a "," in a list
// still waits for "not found", and [Direct] and [Off] for a failure. Sources
// should be behind [Meter], or nothing is known of them.
//
// A source that is on trial (see [HealthOf]) is asked together with the next one,
// so that no caller has to wait for it.
//
// Where everybody has been asked and nobody is left but who keeps silent, those
// that failed are asked again, and so is one that is silent: it may be the
// connection that hangs. That is worth it for a source by itself, too. Such
// requests have a budget of their own, of a fifth of the others.
//
// The result's groups have goroutines of their own for races that go on when
// their outcome is known, which end within the Trial; [Drain] ends them before.
func Hedge(u Upstream, opts *HedgeOptions) Upstream {
	o := opts.withDefaults()
	h := &hedger{
		opts: o, budget: NewBudget(o.Share, o.Burst, 1), again: NewBudget(againShare, againBurst, 1),
		closing: make(chan struct{}),
	}
	if o.Burst < 0 {
		h.again = new(Budget)
	}
	h.close = sync.OnceFunc(func() { close(h.closing) })
	return hedged(u, h, false)
}

// racing is implemented by groups that can ask more than one member at a time.
type racing interface {
	Group
	withHedger(h *hedger) Upstream
}

// hedged rebuilds u. A source that no race asks already gets one of its own.
func hedged(u Upstream, h *hedger, raced bool) Upstream {
	g, ok := u.(Group)
	switch {
	case !ok && raced:
		return u
	case !ok:
		return &fallback{steps: []Step{{Upstream: u}}, hedge: h}
	}
	_, races := g.(racing)
	members := slices.Clone(g.Members())
	for i, member := range members {
		members[i] = hedged(member, h, races)
	}
	u = g.With(members)
	if r, ok := u.(racing); ok {
		u = r.withHedger(h)
	}
	return u
}

// Drain ends what still goes on in u's groups for calls that have returned, and
// waits for it. No call may be begun any more.
func Drain(u Upstream) {
	g, ok := As[Group](u)
	if !ok {
		return
	}
	if d, ok := g.(interface{ drain() }); ok {
		d.drain() // first, for the losers in it may be calls of its members
	}
	for _, member := range g.Members() {
		Drain(member)
	}
}

// A hedger decides when to hedge, for all groups of a tree.
type hedger struct {
	opts    HedgeOptions
	budget  *Budget       // for asking a source beside another
	again   *Budget       // for asking a source again in the same race
	closing chan struct{} // closed when nothing may go on any more
	close   func()
}

// drain ends the races that go on without their callers.
func (h *hedger) drain(races *sync.WaitGroup) {
	if h != nil {
		h.close()
	}
	races.Wait()
}

// What may be asked again is bounded as retries are.
const (
	againShare = 0.2
	againBurst = 32
)

// enough is how many answers a source must have given in a lane for their
// percentile to count.
const enough = 5

// delay returns how long u is waited for before the next one is asked too. Where
// too little is known of it in that lane, another lane may say something, for the
// way is the same, or the others, which are its equals.
func (h *hedger) delay(u Upstream, l Lane, all []runner) time.Duration {
	if usual, ok := usual(u, l); ok {
		return min(max(usual, h.opts.Min), h.opts.Max)
	}
	delay := h.opts.Initial
	for other := range Lane(Lanes) {
		if usual, ok := usual(u, other); ok {
			delay = min(delay, max(2*usual, h.opts.Min))
		}
	}
	for _, other := range all {
		if usual, ok := usual(other.Upstream, l); ok {
			delay = min(delay, max(2*usual, h.opts.Min))
		}
	}
	return delay
}

// usual returns how long u usually takes, if that is known.
func usual(u Upstream, l Lane) (time.Duration, bool) {
	figures, _ := FiguresOf(u, l)
	first := figures.FirstByte
	return min(first.P95, 3*first.P50), first.Count >= enough
}
