package upstream

import (
	"context"
	"slices"
	"sync"
)

// A Step is an entry of a [Fallback] list.
type Step struct {
	Upstream Upstream // what is asked

	// OnAnyError says when the next step is asked: after any error, as behind
	// a "|" in GOPROXY, or, if false, only after "not found", as behind a ",".
	OnAnyError bool
}

// Fallback asks the steps in order until one answers, by the go command's
// rules for GOPROXY (modfetch/proxy.go, TryProxies). That a "," goes on only
// after "not found" keeps a private module's name from public sources while
// the private one is down, so it is not loosened. Once the caller has gone, no
// further step is asked. With no steps everything is unavailable.
func Fallback(steps ...Step) Upstream {
	return &fallback{steps: slices.Clone(steps)}
}

type fallback struct {
	steps []Step
	hedge *hedger // nil: one after the other
	races sync.WaitGroup
}

func (f *fallback) Fetch(ctx context.Context, req Request) (*Response, error) {
	var all outcome
	for begin := 0; begin < len(f.steps); {
		end := f.segmentEnd(begin)
		out := runRace(ctx, req, f.runners(begin, end), f.hedge, &f.races)
		if out.resp != nil {
			return out.resp, nil
		}
		all.attempts = append(all.attempts, out.attempts...)
		all.cut = out.cut || ctx.Err() != nil && end < len(f.steps)
		if !out.absent || all.cut { // behind a segment is a ","
			break
		}
		begin = end
	}
	return nil, all.fail(ctx, req)
}

// segmentEnd returns the end of the steps from begin on that are joined by "|".
// All of them may be asked at the same time: each is asked whatever the one
// before it says.
func (f *fallback) segmentEnd(begin int) int {
	end := begin
	for end < len(f.steps)-1 && f.steps[end].OnAnyError {
		end++
	}
	return end + 1
}

func (f *fallback) runners(begin, end int) []runner {
	var runners []runner
	for i, step := range f.steps[begin:end] {
		runners = append(runners, runner{Upstream: step.Upstream, reluctant: isReluctant(step.Upstream), last: begin+i == end-1})
	}
	return runners
}

func (f *fallback) reachedFor(req Request, fails func(Upstream) bool) []Upstream {
	var all []Upstream
	for _, step := range f.steps {
		reached := ReachedFor(step.Upstream, req, fails)
		all = append(all, reached...)
		if !step.OnAnyError && slices.ContainsFunc(reached, fails) {
			break
		}
	}
	return all
}

// absent reports whether e proves that the thing does not exist there. The "not
// found" of a group of mirrors does not while one of them was failing.
func absent(e *Error) bool { return e.Class == NotFound && e.Conclusive() }

func (f *fallback) Members() []Upstream {
	members := make([]Upstream, len(f.steps))
	for i, step := range f.steps {
		members[i] = step.Upstream
	}
	return members
}

func (f *fallback) With(members []Upstream) Upstream {
	steps := slices.Clone(f.steps)
	for i := range steps {
		steps[i].Upstream = members[i]
	}
	return &fallback{steps: steps, hedge: f.hedge}
}

func (f *fallback) withHedger(h *hedger) Upstream { return &fallback{steps: f.steps, hedge: h} }

func (f *fallback) drain() { f.hedge.drain(&f.races) }
