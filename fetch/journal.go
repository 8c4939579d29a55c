package fetch

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// journalMinutes is how far back a journal goes.
const journalMinutes = 60

// A journal is a record of the last hour, for people to look at. It holds a bounded
// amount, whatever happens: about 60 KiB of figures by minute, 4 KiB for each of at
// most 64 sources, 50 failures of at most 8 KiB each, 50 changes of circuits, and at most
// 512 module paths for each 10 minutes and 128 for each of at most 32 shards; all in
// all less than 4 MiB, and usually a tenth of that.
//
// Time is counted on the monotonic clock from the begin, so that a clock that is set
// leaves neither a gap nor a heap in the record.
type journal struct {
	begun  time.Time // when it was attached
	origin time.Time // begun, but at the full minute before, where minutes are counted from

	shards []journalShard // a power of two of them

	// owner returns the source that has a circuit of that name, and whether the circuit
	// is of a part of it; part returns the name of the part that a request is for, empty
	// if the source is one server.
	owner func(circuit string) (source string, isPart bool)
	part  func(source string, req upstream.Request) string

	seed maphash.Seed // of what tallies know modules by

	mu       sync.Mutex // after a shard's; never held across I/O
	minutes  [journalMinutes]minuteFigures
	modules  [moduleEpochs]moduleEpoch
	sources  map[string]*sourceHour
	parts    map[string]time.Time // when those last answered that have
	failures failureLog
	circuits circuitLog
	troubles [Degradations]cacheTrouble
}

// A journalShard is what some of the requests of a minute come to, so that those
// that end at the same time seldom meet at one lock.
type journalShard struct {
	mu      sync.Mutex
	now     minuteFigures
	modules moduleCounts
	_       [64]byte // the next one is in another cache line
}

func newJournal(owner func(string) (string, bool), part func(string, upstream.Request) string) *journal {
	begun := time.Now()
	seconds := time.Duration(begun.Second())*time.Second + time.Duration(begun.Nanosecond())
	shards := 1
	for shards < 4*runtime.GOMAXPROCS(0) && shards < 32 {
		shards *= 2
	}
	j := &journal{begun: begun, origin: begun.Add(-seconds), shards: make([]journalShard, shards), seed: maphash.MakeSeed(),
		owner: owner, part: part,
		sources: map[string]*sourceHour{}, parts: map[string]time.Time{}}
	for i := range j.minutes {
		j.minutes[i].minute = -1
	}
	for i := range j.modules {
		j.modules[i].epoch = -1
	}
	for i := range j.shards {
		j.shards[i].modules = moduleCounts{}
	}
	return j
}

// trace returns the hooks by which the journal is told.
func (j *journal) trace() *Trace {
	return &Trace{
		RequestEnd:    j.requestEnded,
		AttemptEnd:    func(_ context.Context, a upstream.Attempt) { j.attemptEnded(a) },
		CircuitChange: j.circuitChanged,
		Degradation:   j.degraded,
	}
}

// minuteOf returns the number of the minute that t is in.
func (j *journal) minuteOf(t time.Time) int64 { return int64(max(0, t.Sub(j.origin)) / time.Minute) }

// at returns the begin of a minute, on the clock as it is now. The two clocks drift
// apart by a little all the time, which is rounded away.
func (j *journal) at(minute int64, now time.Time) time.Time {
	return now.Add(j.origin.Add(time.Duration(minute) * time.Minute).Sub(now)).Round(time.Second)
}

func (j *journal) requestEnded(_ context.Context, e RequestEnd) {
	j.note(&e)
	if e.Err == nil {
		return
	}
	switch e.Outcome {
	case Failed, Denied, Offline, Stale:
		j.mu.Lock()
		defer j.mu.Unlock()
		j.failures.add(&e)
	}
}

// note is all that a hit costs.
func (j *journal) note(e *RequestEnd) {
	minute := j.minuteOf(e.Begun.Add(e.Took))
	s := &j.shards[rand.Uint32()&uint32(len(j.shards)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if minute > s.now.minute {
		j.collect(s)
		s.now.minute = minute
	}
	s.now.add(e.Request.Kind(), e.Outcome, e.Took)
	s.modules.add(e.Request, e.Outcome)
}

// collect moves what a shard has counted to where all is; the shard's lock is held.
func (j *journal) collect(s *journalShard) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if into := j.minute(s.now.minute); into != nil {
		into.join(&s.now)
	}
	if into := j.epoch(s.now.minute / epochMinutes); into != nil {
		into.join(s.modules)
	}
	s.now = minuteFigures{minute: s.now.minute}
	clear(s.modules)
}

// minute returns the place of a minute, emptied if an older one was there; nil if
// it is too long ago. j.mu is held.
func (j *journal) minute(n int64) *minuteFigures {
	m := &j.minutes[n%journalMinutes]
	if m.minute < n {
		*m = minuteFigures{minute: n}
	}
	if m.minute > n {
		return nil
	}
	return m
}

// hour returns the figures of the last hour by minute, the oldest first and the
// present one last. Minutes before the begin are missing.
func (j *journal) hour(now time.Time) []minuteFigures {
	for i := range j.shards {
		j.flush(&j.shards[i])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	last := j.minuteOf(now)
	first := max(0, last-journalMinutes+1)
	out := make([]minuteFigures, 0, journalMinutes)
	for n := first; n <= last; n++ {
		m := minuteFigures{minute: n}
		if held := &j.minutes[n%journalMinutes]; held.minute == n {
			m = *held
		}
		out = append(out, m)
	}
	return out
}

func (j *journal) flush(s *journalShard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.collect(s)
}

func (j *journal) attemptEnded(a upstream.Attempt) {
	if a.Err == nil {
		j.notePart(j.part(a.Source, a.Request), a.Begun.Add(a.Took))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.noteAttempt(&a)
}

func (j *journal) circuitChanged(c breaker.CircuitChange) {
	part := ""
	if source, isPart := j.owner(c.Source); isPart {
		part, c.Source = c.Source, source
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.circuits.add(c, part)
}
