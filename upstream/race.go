package upstream

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// runRace asks runners for req, the next one when one fails, and, with a hedger,
// beside one that is slow. group gets the goroutines that are not waited for.
func runRace(ctx context.Context, req Request, runners []runner, h *hedger, group *sync.WaitGroup) outcome {
	if h == nil || len(runners) == 0 || len(runners) == 1 && !runners[0].isSource() {
		return askInOrder(ctx, req, runners)
	}
	for i := range runners {
		runners[i].index = i
	}
	h.budget.Ordinary()
	h.again.Ordinary()
	r := &race{
		ctx: ctx, req: req, hedge: h, runners: runners, waiting: runners,
		ended: make(chan *leg, len(runners)), wake: make(chan struct{}, 1), group: group,
	}
	out := r.run()
	r.finish()
	return out
}

// A race belongs to the goroutine that calls run and finish.
type race struct {
	ctx     context.Context
	req     Request
	hedge   *hedger
	runners []runner
	waiting []runner // who has not been asked yet
	legs    []*leg   // who has, in that order
	winner  *leg     // nil until there is one
	running int
	ended   chan *leg
	wake    chan struct{} // a leg has news
	recheck time.Time     // there is no budget before
	laps    int           // how often somebody was asked again
	repeats int           // how often somebody was who still ran
	lapAt   time.Time     // when that may be the next time; zero: not set
	group   *sync.WaitGroup
}

// run returns when somebody has answered, everybody has failed, or the caller
// has gone.
func (r *race) run() outcome {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.startDue()
		if !r.active() {
			return r.outcome(nil, r.ctx.Err() != nil && len(r.waiting) > 0)
		}
		timer.Reset(r.untilDue())
		select {
		case l := <-r.ended:
			r.ends(l)
			if l.resp != nil {
				r.winner = l
				return r.outcome(l.resp, false)
			}
		case <-r.wake:
		case <-timer.C:
		case <-r.ctx.Done():
			return r.outcome(nil, true)
		}
	}
}

// ends notes that a leg has ended. What a source says for good ends its other
// legs, too.
func (r *race) ends(l *leg) {
	r.running--
	l.over, l.endedAt = true, time.Now()
	if l.resp != nil {
		l.progress.FirstByte() // if nobody inside has reported it
	}
	if !l.isFinal() {
		return
	}
	for _, other := range r.legs {
		if other.index == l.index {
			other.again = true // and is not asked any more
			if !other.over {
				other.gone = true
				other.cancel(nil)
			}
		}
	}
}

// active reports whether anybody runs who may still answer.
func (r *race) active() bool { return r.latestActive() != nil }

// latestActive returns who was asked last of those who may still answer.
func (r *race) latestActive() *leg {
	for _, l := range slices.Backward(r.legs) {
		if !l.over && !l.gone {
			return l
		}
	}
	return nil
}

// outcome says what everybody has said last.
func (r *race) outcome(resp *Response, cut bool) outcome {
	out := outcome{resp: resp, cut: cut}
	last := make([]*leg, len(r.runners))
	for _, l := range r.legs {
		if l.over && l.err != nil {
			last[l.index] = l
		}
	}
	for _, l := range r.legs {
		if last[l.index] == l {
			out.failed(l.runner, l.err)
		}
	}
	out.cut = out.cut || resp == nil && out.interrupted(r.ctx)
	return out
}

// startDue starts whoever has to be asked now.
func (r *race) startDue() {
	for r.ctx.Err() == nil && !r.promising() {
		if (len(r.waiting) == 0 || r.waiting[0].reluctant && r.active()) && !r.lap() {
			return
		}
		next := r.waiting[0]
		budget := r.budgetFor(next)
		if !r.afford(budget) {
			if !r.active() {
				r.dropRepeats()
				continue
			}
			return
		}
		r.start(budget)
	}
}

func (r *race) start(budget *Budget) {
	next := r.waiting[0]
	r.waiting = r.waiting[1:]
	ctx := r.ctx
	if r.laps > 0 {
		ctx = WithLastResort(ctx)
	}
	l := newLeg(ctx, r.req, next, r.wake)
	l.budget = budget
	l.beside = r.latestActive()
	if l.beside != nil {
		l.after = l.begun.Sub(l.beside.begun)
	}
	l.patience = r.delay(next)
	l.due = l.begun.Add(l.patience)
	if l.suspect {
		l.due = l.begun
	}
	r.legs = append(r.legs, l)
	r.running++
	r.group.Go(func() {
		defer func() { r.ended <- l }()
		l.fetch(r.req)
	})
}

// nameOf names a runner, which may be a group of sources.
func nameOf(r runner) string {
	if r.isSource() {
		return Name(r.Upstream)
	}
	var names []string
	for _, source := range Sources(r.Upstream) {
		names = append(names, Name(source))
	}
	return strings.Join(names, " or ")
}

// finish settles the accounts, ends the legs that are still running, and has
// somebody wait for them.
func (r *race) finish() {
	for _, l := range r.legs {
		switch {
		case l.over && l.resp != nil:
			r.settle(l)
		case l.over:
			l.cancel(nil)
		case r.winner == nil:
			l.cancel(context.Cause(r.ctx))
		case l.keep(): // it has until the end of its grace
		default:
			l.cancel(l.verdict(r.winner))
		}
	}
	if r.running > 0 {
		r.group.Go(r.drain)
	}
	r.tell()
}

// tell says who was asked beside others. By now the outcome is settled.
func (r *race) tell() {
	if r.hedge.opts.OnHedge == nil {
		return
	}
	for _, l := range r.legs {
		if l.beside == nil {
			continue
		}
		r.hedge.opts.OnHedge(r.ctx, HedgeEvent{
			Request: r.req, Source: nameOf(l.runner), Beside: nameOf(l.beside.runner),
			After: l.after, Again: l.repeat, Won: l == r.winner,
		})
	}
}

// settle is for the winner.
func (r *race) settle(winner *leg) {
	if winner.budget != nil {
		winner.budget.Refund()
	}
	for _, l := range r.legs {
		if l.over && l.err != nil && l.err.Class == NotFound {
			lacked(l.Upstream, r.req.Kind().Lane())
		}
	}
	if _, complete := winner.resp.Body.(io.ReaderAt); complete {
		winner.cancel(nil)
		return
	}
	winner.resp.Body = endsCall{winner.resp.Body, winner.cancel}
}

// drain waits for the losers. Those that go on have until the end of their grace
// for their first byte, and more is not asked of them.
func (r *race) drain() {
	closing := r.hedge.closing
	timer := time.NewTimer(0)
	defer timer.Stop()
	for r.running > 0 {
		timer.Reset(r.endGraces())
		select {
		case l := <-r.ended:
			r.ends(l)
			l.cancel(nil)
			if l.resp != nil {
				l.resp.Body.Close()
			}
		case <-r.wake:
		case <-timer.C:
		case <-closing:
			closing = nil
			for _, l := range r.legs {
				l.cancel(nil)
			}
		}
	}
}

// endGraces ends the legs whose grace is over, and returns how long it takes
// until the next one's is.
func (r *race) endGraces() time.Duration {
	next := 24 * time.Hour
	if r.winner == nil {
		return next // the caller has gone, and so do they
	}
	for _, l := range r.legs {
		left := time.Until(l.begun.Add(l.grace(r.hedge.opts.Trial, r.winner)))
		switch {
		case l.over:
		case left <= 0 || l.progress.Begun():
			l.cancel(l.verdict(r.winner))
		default:
			next = min(next, left)
		}
	}
	return next
}
