package fetch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

const (
	maxFailures = 50
	maxStory    = 16  // lines of a story
	maxText     = 400 // bytes of a line that quotes strangers
)

// A failureLog holds the latest failures. Those that are equal are one entry, and
// when it is full, one of the kind that it holds most of makes room: a storm of one
// kind does not wash out the rest.
type failureLog struct {
	serial  int64
	entries []*failure // that failed longest ago first
}

// A failure is a request that failed in one way, however often.
type failure struct {
	kind    failureKind
	request upstream.Request
	id      int64

	first, last time.Time
	times       int64
	written     time.Time // when the texts are from
	reason      string
	story       []string
	others      int64 // requests of this kind that made room for it or its like
}

// failureKind is what makes failures equal, beside the request. Texts do not: they may
// name ports and times.
type failureKind struct {
	outcome Outcome
	class   upstream.Class
	source  string
	status  int
}

func (l *failureLog) add(e *RequestEnd) {
	kind := failureKind{e.Outcome, e.Err.Class, e.Err.Source, e.Err.Status}
	at := e.Begun.Add(e.Took)
	i := slices.IndexFunc(l.entries, func(f *failure) bool { return f.request == e.Request && f.kind == kind })
	var f *failure
	if i >= 0 {
		f = l.entries[i]
		l.entries = slices.Delete(l.entries, i, i+1)
	} else {
		l.serial++
		f = &failure{kind: kind, request: e.Request, id: l.serial, first: at, others: l.makeRoom(kind)}
	}
	f.times++
	f.last = at
	f.write(e.Err, at)
	l.entries = append(l.entries, f)
}

// write makes the texts, at most once a second: in a storm, that would cost more
// than all else. An error that was remembered has no story, and does not take away
// the one that is here.
func (f *failure) write(e *upstream.Error, at time.Time) {
	if f.reason != "" && (at.Sub(f.written) < time.Second || len(e.Story) == 0 && len(f.story) > 0) {
		return
	}
	f.written, f.reason = at, clip(e.Reason())
	f.story = nil
	for i, a := range e.Story {
		if i == maxStory {
			f.story = append(f.story, fmt.Sprintf("and %d more", len(e.Story)-i))
			break
		}
		f.story = append(f.story, clip(a.String()))
	}
}

// makeRoom drops the entry longest ago of the most frequent kind if the log is full.
// It returns how many of the given kind have been dropped so far, which the new entry
// goes on to count.
func (l *failureLog) makeRoom(kind failureKind) (others int64) {
	if len(l.entries) >= maxFailures {
		l.drop()
	}
	for _, f := range l.entries {
		if f.kind == kind {
			others += f.others
			f.others = 0
		}
	}
	return others
}

func (l *failureLog) drop() {
	counts := map[failureKind]int{}
	var most failureKind
	for _, f := range l.entries {
		counts[f.kind]++
		if counts[f.kind] > counts[most] {
			most = f.kind
		}
	}
	i := slices.IndexFunc(l.entries, func(f *failure) bool { return f.kind == most })
	gone := l.entries[i]
	l.entries = slices.Delete(l.entries, i, i+1)
	for _, f := range slices.Backward(l.entries) {
		if f.kind == most {
			f.others += gone.others + 1
			return
		}
	}
}

// recent returns the failures of the last hour, the latest first.
func (j *journal) recent(now time.Time) []StatusFailure {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []StatusFailure
	for _, f := range slices.Backward(j.failures.entries) {
		if now.Sub(f.last) > journalMinutes*time.Minute {
			break
		}
		out = append(out, StatusFailure{
			ID: f.id, First: f.first, Last: f.last, Times: f.times, Others: f.others,
			Request: clip(f.request.Key()), Module: clip(f.request.Module()), Version: clip(f.request.Version()),
			Kind: f.request.Kind().String(), Outcome: f.kind.outcome.String(), Class: f.kind.class.String(),
			Source: clip(f.kind.source), Reason: f.reason, Story: slices.Clone(f.story),
		})
	}
	return out
}

// clip bounds a text of a stranger's, in bytes.
func clip(s string) string { return strings.ToValidUTF8(shorten(s, maxText), "") }
