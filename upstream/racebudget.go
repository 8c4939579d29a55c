package upstream

import "time"

func isOut(u Upstream, req Request) bool { return HealthOf(u, req.Kind().Lane()).State == Out }

// budgetFor returns the budget that asking the next one is a matter of, nil for
// none. To be asked in place of one that has failed, or while only those on trial
// are running, is nothing extra; and who is out will not be asked, which costs
// nothing.
func (r *race) budgetFor(next runner) *Budget {
	switch {
	case isOut(next.Upstream, r.req):
		return nil
	case next.repeat:
		return r.hedge.again
	case len(r.legs) == 0 || r.legs[len(r.legs)-1].over:
		return nil
	}
	for _, l := range r.legs {
		if !l.over && !l.gone && !l.trial {
			return r.hedge.budget
		}
	}
	return nil
}

// minRecheck keeps a race that waits for budget from spinning where Min is next
// to nothing.
const minRecheck = 10 * time.Millisecond

// afford takes a request out of a budget. Where there is none left, it is looked
// at again after a while. Only half of the budget for hedges is for those that
// help a source that is merely suspected.
func (r *race) afford(budget *Budget) bool {
	now := time.Now()
	if budget == nil {
		return true
	}
	if now.Before(r.recheck) {
		return false
	}
	overdue := r.suspectSilent()
	if budget.take(budget == r.hedge.budget && !overdue) {
		return true
	}
	r.recheck = now.Add(max(r.hedge.opts.Min, minRecheck))
	return false
}

// suspectSilent marks the sources that are silent for longer than usual, so that
// other races do not wait as long to find that out, and reports whether there
// are any.
func (r *race) suspectSilent() (overdue bool) {
	for _, l := range r.legs {
		if !l.over && l.isOverdue() {
			suspect(l.Upstream)
			overdue = true
		}
		overdue = overdue || l.progress.IsSlow()
	}
	return overdue
}
