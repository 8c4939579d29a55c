package fetch

import (
	"errors"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

const (
	maxJournalSources = 64 // sources with an hour of their own; of more nothing is kept
	maxChanges        = 50
)

// A sourceHour is what attempts at one source came to, by minute.
type sourceHour [journalMinutes]sourceMinute

type sourceMinute struct {
	minute       int64
	good, failed uint32
}

// noteAttempt counts a call that was made and says something of the source: that
// there is no such module is an answer; what we or the caller broke off is none. j.mu
// is held.
func (j *journal) noteAttempt(a *upstream.Attempt) {
	if a.Outpaced || a.Err != nil && (errors.Is(a.Err, breaker.ErrOpen) || a.Err.Class == upstream.Canceled || a.Err.Class == upstream.Overloaded) {
		return
	}
	h := j.sources[a.Source]
	if h == nil {
		if len(j.sources) >= maxJournalSources {
			return
		}
		h = new(sourceHour)
		for i := range h {
			h[i].minute = -1
		}
		j.sources[a.Source] = h
	}
	n := j.minuteOf(a.Begun.Add(a.Took))
	m := &h[n%journalMinutes]
	if m.minute < n {
		*m = sourceMinute{minute: n}
	}
	if a.Err == nil || a.Err.Class == upstream.NotFound {
		m.good++
	} else {
		m.failed++
	}
}

// attempts returns the attempts at a source in the last hour by minute, the oldest
// first, and the present one last.
func (j *journal) attempts(source string, now time.Time) []sourceMinute {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.minuteOf(now)
	first := max(0, last-journalMinutes+1)
	var out []sourceMinute
	h := j.sources[source]
	for n := first; n <= last; n++ {
		m := sourceMinute{minute: n}
		if h != nil && h[n%journalMinutes].minute == n {
			m = h[n%journalMinutes]
		}
		out = append(out, m)
	}
	return out
}

// A circuitLog holds the latest changes of circuits between closed and not closed.
// That a trial failed, which happens every few seconds while a source is dead, is
// counted with the change by which it went out.
type circuitLog struct {
	changes []circuitChange
	left    map[circuitName]time.Time // since when a circuit has not been closed
}

type circuitChange struct {
	breaker.CircuitChange
	trials int64 // that failed since
}

type circuitName struct {
	source string
	lane   upstream.Lane
}

func (l *circuitLog) add(c breaker.CircuitChange) {
	name := circuitName{c.Source, c.Lane}
	if c.To == upstream.OnTrial {
		return
	}
	if c.To == upstream.Working {
		delete(l.left, name)
	} else if _, ailing := l.left[name]; ailing {
		l.failedTrial(c)
		return
	} else if l.left == nil {
		l.left = map[circuitName]time.Time{name: c.At}
	} else if len(l.left) < maxJournalSources*upstream.Lanes {
		l.left[name] = c.At
	}
	if len(l.changes) == maxChanges {
		l.changes = slices.Delete(l.changes, 0, 1)
	}
	l.changes = append(l.changes, circuitChange{CircuitChange: c})
}

func (l *circuitLog) failedTrial(c breaker.CircuitChange) {
	for i := range slices.Backward(l.changes) {
		if known := &l.changes[i]; known.Source == c.Source && known.Lane == c.Lane {
			known.trials++
			known.Until = c.Until
			return
		}
	}
}

// ailingSince returns since when a source's circuit has not been closed; the zero
// time if it is, or has been so since before the journal began.
func (j *journal) ailingSince(source string, lane upstream.Lane) time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.circuits.left[circuitName{source, lane}]
}

// changes returns the changes of circuits in the last hour, the latest first.
func (j *journal) changes(now time.Time) []StatusChange {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []StatusChange
	for _, c := range slices.Backward(j.circuits.changes) {
		if now.Sub(c.At) > journalMinutes*time.Minute {
			break
		}
		one := StatusChange{At: c.At, Source: clip(c.Source), Lane: c.Lane.String(), State: c.To.String(), Until: c.Until, Trials: c.trials}
		if c.Reason != nil {
			one.Reason = clip(upstream.AsError(c.Reason, upstream.Request{}, "").Reason())
		}
		out = append(out, one)
	}
	return out
}
