package upstream

import (
	"slices"
	"time"
)

// promising reports whether somebody is running who need not be helped yet.
func (r *race) promising() bool {
	for _, l := range r.legs {
		switch {
		case l.over, l.gone, l.trial, l.progress.IsSlow():
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
	case len(r.waiting) > 0 && !(r.waiting[0].reluctant && r.active()):
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
		case l.over, l.gone, l.trial, l.progress.IsSlow():
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
	maxLaps = 12

	// firstLap is the wait before the first time; each further one is twice as
	// long, up to the longest.
	firstLap   = 50 * time.Millisecond
	longestLap = 2 * time.Second
)

// lap has sources asked again when everybody has been asked and those who still
// run keep silent: those that failed in a way that may have passed, and one that
// has been silent for long, for it may be the connection that hangs. They are
// last resorts. lap reports whether there are any, and the time has come.
func (r *race) lap() bool {
	now := time.Now()
	switch {
	case !r.active() || r.laps == maxLaps:
		return false
	case r.lapAt.IsZero():
		r.lapAt = now.Add(firstLap)
		return false
	case now.Before(r.lapAt):
		return false
	}
	again := r.field(now)
	r.lapAt = now.Add(min(longestLap, firstLap<<(r.laps+1)))
	if len(again) == 0 {
		return false
	}
	r.laps++
	r.waiting = append(again, r.waiting...)
	return true
}

// mostRepeats is how often, in one race, somebody is asked again who still runs.
const mostRepeats = 4

// wanted returns how long the source of an error wants to be left alone. What an
// open circuit says of that is not meant for last resorts.
func wanted(err *Error) time.Duration {
	if err.Status == 0 {
		return 0
	}
	return err.RetryAfter
}

// isHanging reports whether a leg has been silent for so long that its source is
// worth another call: longer if it is not known how long it usually takes, and
// each time twice as long.
func (r *race) isHanging(l *leg) bool {
	if l.over || l.gone || l.progress.Begun() || r.repeats == mostRepeats {
		return false
	}
	long := r.hedge.opts.Max
	if _, known := usual(l.Upstream, r.req.Kind().Lane()); !known {
		long = long * 5 / 2
	}
	return l.progress.Waited() >= long<<r.repeats
}

// field returns who is worth asking again.
func (r *race) field(now time.Time) []runner {
	var failed, silent []runner
	for _, l := range r.legs {
		if l.again || !l.isSource() {
			continue
		}
		switch {
		case l.over && l.err != nil && l.err.MayPass() && now.Sub(l.endedAt) >= wanted(l.err):
			failed = append(failed, l.runner.repeated())
		case len(silent) == 0 && r.isHanging(l):
			silent = append(silent, l.runner.repeated())
		default:
			continue
		}
		l.again = true
	}
	r.repeats += len(silent)
	return append(failed, silent...)
}

// dropRepeats gives up asking anybody again, for those who were never asked.
func (r *race) dropRepeats() {
	r.waiting = slices.DeleteFunc(r.waiting, func(next runner) bool { return next.repeat })
	r.laps = maxLaps
}

func (r runner) repeated() runner {
	r.repeat = true
	return r
}
