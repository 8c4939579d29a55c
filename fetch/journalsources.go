package fetch

import (
	"errors"
	"hash/maphash"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

const (
	maxJournalSources = 64 // sources with an hour of their own; for one more, the one makes room that was asked longest ago
	maxJournalParts   = 64 // parts of sources that have answered; in the same way
)

// A sourceHour is what attempts at one source came to, by minute.
type sourceHour struct {
	minutes [journalMinutes]sourceMinute
	latest  int64 // the minute of the latest attempt
	streak  streak
}

type sourceMinute struct {
	minute          int64
	good            uint32
	failed, refused tally
}

// A streak is what a source has done since it last answered.
type streak struct {
	at              time.Time // the latest attempt of it; zero: it answered then, or was not asked
	failed, refused tally
}

// A tally counts attempts, and knows whether they were for more than one module: one
// that a source fails with says little of the source.
type tally struct {
	n       uint32
	several bool
	module  uint64 // a hash of the first
}

func (t *tally) join(other tally) {
	switch {
	case other.n == 0:
		return
	case t.n == 0:
		*t = other
		return
	}
	t.several = t.several || other.several || t.module != other.module
	t.n += other.n
}

// A verdict is what an attempt says of the source.
type verdict uint8

const (
	saysNothing verdict = iota // it was not made, or we or the caller broke it off
	saysGood                   // it answered, if only that there is no such module
	saysRefused                // it answered that it does not like the request, which as for circuits is no failure
	saysFailed
)

func verdictOf(a *upstream.Attempt) verdict {
	switch {
	case a.Outpaced:
		return saysNothing
	case a.Err == nil:
		return saysGood
	case errors.Is(a.Err, breaker.ErrOpen), errors.Is(a.Err, upstream.ErrOffline):
		return saysNothing
	}
	switch a.Err.Class {
	case upstream.NotFound:
		return saysGood
	case upstream.Canceled, upstream.Overloaded:
		return saysNothing
	case upstream.Untrusted:
		return saysFailed
	}
	if !a.Err.MayPass() {
		return saysRefused
	}
	return saysFailed
}

// noteAttempt counts a call that was made and says something of the source. j.mu is
// held.
func (j *journal) noteAttempt(a *upstream.Attempt) {
	v := verdictOf(a)
	if v == saysNothing {
		return
	}
	h := j.hourOf(a.Source)
	n := j.minuteOf(a.Begun.Add(a.Took))
	h.latest = max(h.latest, n)
	m := &h.minutes[n%journalMinutes]
	if m.minute < n {
		*m = sourceMinute{minute: n}
	}
	if v == saysGood {
		m.good++
		h.streak = streak{}
		return
	}
	subject := a.Request.Module()
	if subject == "" {
		subject = a.Request.Key()
	}
	one := tally{n: 1, module: maphash.String(j.seed, subject)}
	h.streak.at = a.Begun.Add(a.Took)
	if v == saysFailed {
		m.failed.join(one)
		h.streak.failed.join(one)
	} else {
		m.refused.join(one)
		h.streak.refused.join(one)
	}
}

// hourOf returns a source's hour, and makes room for it if need be. j.mu is held.
func (j *journal) hourOf(source string) *sourceHour {
	if h := j.sources[source]; h != nil {
		return h
	}
	if len(j.sources) >= maxJournalSources {
		delete(j.sources, least(j.sources, func(a, b *sourceHour) bool { return a.latest < b.latest }))
	}
	h := new(sourceHour)
	for i := range h.minutes {
		h.minutes[i].minute = -1
	}
	j.sources[source] = h
	return h
}

// least returns the key of what is less than all else in m.
func least[K comparable, V any](m map[K]V, less func(a, b V) bool) (key K) {
	first := true
	for k, v := range m {
		if first || less(v, m[key]) {
			key, first = k, false
		}
	}
	return key
}

// notePart keeps that a part of a source has answered, if there is one.
func (j *journal) notePart(part string, at time.Time) {
	if part == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.parts[part]; !known && len(j.parts) >= maxJournalParts {
		delete(j.parts, least(j.parts, time.Time.Before))
	}
	j.parts[part] = at
}

// partAnswered reports whether a part of a source has answered in the last hour.
func (j *journal) partAnswered(part string, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	at, known := j.parts[part]
	return known && now.Sub(at) < journalMinutes*time.Minute
}

// attempts returns the attempts at a source in the last hour by minute, the oldest
// first and the present one last, and what it has done since it answered.
func (j *journal) attempts(source string, now time.Time) ([]sourceMinute, streak) {
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.minuteOf(now)
	first := max(0, last-journalMinutes+1)
	var out []sourceMinute
	h := j.sources[source]
	for n := first; n <= last; n++ {
		m := sourceMinute{minute: n}
		if h != nil && h.minutes[n%journalMinutes].minute == n {
			m = h.minutes[n%journalMinutes]
		}
		out = append(out, m)
	}
	if h == nil {
		return out, streak{}
	}
	return out, h.streak
}
