package upstream

import "time"

// promising reports whether somebody is running who need not be helped yet.
func (r *race) promising() bool {
	for _, l := range r.legs {
		switch {
		case l.over, l.trial, l.progress.IsSlow():
		case l.progress.Begun(), time.Now().Before(l.due):
			return true
		}
	}
	return false
}

// delay returns how long a runner has before the one after it is asked too.
func (r *race) delay(next runner) time.Duration {
	delay := r.hedge.delay(next.Upstream, r.req.Kind().Lane(), r.runners)
	if len(r.waiting) > 0 && r.waiting[0].reserve && !next.reserve {
		delay = max(delay, r.hedge.opts.Max)
	}
	return delay
}

// untilDue returns how long nothing has to be done unless a leg has news.
func (r *race) untilDue() time.Duration {
	const never = 24 * time.Hour
	switch {
	case r.promising():
		return r.untilOverdue(never)
	case len(r.waiting) > 0 && r.waiting[0].reluctant:
		return never
	case len(r.waiting) > 0:
		return max(0, time.Until(r.recheck))
	case r.laps == maxLaps || r.lapAt.IsZero():
		return never
	}
	return max(0, time.Until(r.lapAt))
}

// untilOverdue returns how long it takes until nobody is promising any more.
func (r *race) untilOverdue(never time.Duration) time.Duration {
	var due time.Time
	for _, l := range r.legs {
		switch {
		case l.over, l.trial, l.progress.IsSlow():
		case l.progress.Begun():
			return never
		case l.due.After(due):
			due = l.due
		}
	}
	return max(0, time.Until(due))
}

const (
	// maxLaps bounds how often the field is asked again in one race.
	maxLaps = 6

	// firstLap is the wait before the first time; each further one is twice as
	// long.
	firstLap = 50 * time.Millisecond
)

// lap has sources asked again when everybody has been asked and those who still
// run keep silent: those that failed in a way that may have passed, and one that
// has been silent for long, for it may be the connection that hangs. They are
// last resorts. lap reports whether there are any, and the time has come.
func (r *race) lap() bool {
	now := time.Now()
	switch {
	case r.running == 0 || r.laps == maxLaps:
		return false
	case r.lapAt.IsZero():
		r.lapAt = now.Add(firstLap)
		return false
	case now.Before(r.lapAt):
		return false
	}
	r.laps++
	r.lapAt = now.Add(firstLap << r.laps)
	r.waiting = r.field(now)
	return len(r.waiting) > 0
}

// mostRepeats is how many more calls may be under way than there are sources.
const mostRepeats = 2

// isHanging reports whether a leg has been silent for so long that its source is
// worth another call.
func (r *race) isHanging(l *leg, now time.Time) bool {
	if l.over || l.progress.Begun() || r.running >= len(r.runners)+mostRepeats {
		return false
	}
	return now.Sub(l.begun) >= min(r.hedge.opts.Max, 4*l.patience)
}

// field returns who is worth asking again.
func (r *race) field(now time.Time) []runner {
	var failed, silent []runner
	for _, l := range r.legs {
		if l.again || !l.isSource() {
			continue
		}
		switch {
		case l.over && l.err != nil && l.err.MayPass():
			failed = append(failed, l.runner)
		case len(silent) == 0 && r.isHanging(l, now):
			silent = append(silent, l.runner)
		default:
			continue
		}
		l.again = true
	}
	return append(failed, silent...)
}
