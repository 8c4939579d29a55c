package fetch

import (
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

const maxChanges = 50

// A circuitLog holds the latest changes of circuits between closed and not closed.
// That a trial failed, which happens every few seconds while a source is dead, is
// counted with the change by which it went out.
//
// A source that is many servers has a circuit for each, and whoever asks for a module
// chooses which: all of them are folded into two changes, one of each kind.
type circuitLog struct {
	changes []circuitChange
	left    map[circuitName]time.Time // since when a circuit has not been closed
}

type circuitChange struct {
	breaker.CircuitChange
	part   string // the server, of a source that is many; CircuitChange.Source is the source then
	trials int64  // that failed since
	times  int64  // how often, of parts
}

type circuitName struct {
	source string
	lane   upstream.Lane
}

// add notes a change of the circuit of a source, or of a part of one.
func (l *circuitLog) add(c breaker.CircuitChange, part string) {
	if c.To == upstream.OnTrial {
		return
	}
	if part != "" {
		l.fold(c, part)
		return
	}
	name := circuitName{c.Source, c.Lane}
	if c.To == upstream.Working {
		delete(l.left, name)
	} else if _, ailing := l.left[name]; ailing {
		l.failedTrial(c)
		return
	} else {
		l.leave(name, c.At)
	}
	l.append(circuitChange{CircuitChange: c, times: 1})
}

func (l *circuitLog) append(c circuitChange) {
	if len(l.changes) == maxChanges {
		l.changes = slices.Delete(l.changes, 0, 1)
	}
	l.changes = append(l.changes, c)
}

// leave notes since when a circuit is open. Of very many the one open longest makes
// room: its source may be one that is not configured any more.
func (l *circuitLog) leave(name circuitName, at time.Time) {
	if l.left == nil {
		l.left = map[circuitName]time.Time{}
	}
	if len(l.left) >= maxJournalSources*upstream.Lanes {
		delete(l.left, least(l.left, time.Time.Before))
	}
	l.left[name] = at
}

func (l *circuitLog) fold(c breaker.CircuitChange, part string) {
	one := circuitChange{CircuitChange: c, part: part, times: 1}
	i := slices.IndexFunc(l.changes, func(known circuitChange) bool {
		return known.part != "" && known.Source == c.Source && known.Lane == c.Lane && known.To == c.To
	})
	if i >= 0 {
		one.times += l.changes[i].times
		l.changes = slices.Delete(l.changes, i, i+1)
	}
	l.append(one)
}

func (l *circuitLog) failedTrial(c breaker.CircuitChange) {
	for i := range slices.Backward(l.changes) {
		if known := &l.changes[i]; known.part == "" && known.Source == c.Source && known.Lane == c.Lane {
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
		one := StatusChange{At: c.At, Source: clip(c.Source), Lane: c.Lane.String(), State: c.To.String(), Until: c.Until, Trials: c.trials, Part: clip(c.part), Times: c.times}
		if c.Reason != nil {
			one.Reason = clip(upstream.AsError(c.Reason, upstream.Request{}, "").Reason())
		}
		out = append(out, one)
	}
	return out
}
