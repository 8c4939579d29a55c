package verify

import (
	"context"
	"errors"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A SumDBStanding is how a checksum database fares, as far as a [SumDB] knows since
// it was made. Times are zero for what has not happened.
type SumDBStanding struct {
	// TreeSize is how many records the latest tree head that is known covers; 0 if
	// none is, which is so before the first call that needs one, also where the store
	// has one.
	TreeSize int64

	// Confirmed is when a source last delivered a tree head that verified and was at
	// least as new as the one that was known: the head's age counts from here. Heads
	// bear no date, so a source that lags behind, or answers from a cache of its own,
	// can confirm a head that is not the latest any more.
	Confirmed time.Time

	// Answered is when a source last answered anything, be it that there is no such
	// record. What was wrong with the answer is in Err.
	Answered time.Time

	// Failed is when a question last failed, and Err why: nobody answered, or an
	// answer did not verify, which is of class [upstream.Untrusted]. That a caller
	// went away, by a deadline of its own too, that a call was offline, and that there
	// is no such record are no failures. They stay when later calls succeed: the
	// database fares well if Answered is after Failed.
	Failed time.Time
	Err    error

	// SecurityEvents is how many there were, as OnSecurityEvent is told: someone lied,
	// or the store was tampered with. More than 0 is to be looked into, whatever
	// succeeds since.
	SecurityEvents int64
}

// Standing returns how the database fares. It does no I/O, waits for nobody who does,
// and may be called by many goroutines at once.
func (s *SumDB) Standing() SumDBStanding {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.standing
	now.TreeSize, now.SecurityEvents = s.head.tree.N, s.reports.Load()
	return now
}

// noteAnswer notes whether what a source said is an answer: something, or that there
// is no such thing, on which all agree who might know.
func (s *SumDB) noteAnswer(err error) {
	if err != nil && !isAbsence(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing.Answered = time.Now()
}

// noteConfirmed notes that the head was delivered.
func (s *SumDB) noteConfirmed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing.Confirmed = time.Now()
}

// noteFailure notes the outcome of a question, when it is clear, if it is a failure of
// the database. ctx is what it was asked with.
func (s *SumDB) noteFailure(ctx context.Context, err error) {
	switch {
	case err == nil, ctx.Err() != nil, isAbsence(err), errors.Is(err, upstream.ErrOffline):
		return
	case errors.Is(err, context.Canceled):
		return // it was that of a call that this one shared
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing.Failed, s.standing.Err = time.Now(), lacking(err) // that not all could say so
}

func isAbsence(err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && e.Class == upstream.NotFound && e.Conclusive()
}
