package breaker

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/sony/gobreaker/v2"
)

// buckets is the resolution of the rolling window.
const buckets = 10

// A lane is the circuit for one class of requests. The breaker is half-open as
// often as a last resort may go through; until reopens, the lane itself keeps
// all others out.
type lane struct {
	source  string
	lane    upstream.Lane
	opts    CircuitOptions
	breaker atomic.Pointer[gobreaker.TwoStepCircuitBreaker[struct{}]] // replaced by closeLate

	tripped  atomic.Bool
	made     time.Time    // what follows counts from here: a clock that is set back must not shut a source out
	reopens  atomic.Int64 // half-open for all from then: nanoseconds, as are these
	notUntil atomic.Int64 // closed even to a last resort before: the source asked for it
	trialAt  atomic.Int64 // the breaker is half-open from then
	back     atomic.Int64 // when it closed after it had been open; 0: never

	last   atomic.Pointer[upstream.Error] // failure
	struck atomic.Bool                    // the next failure opens the circuit
	blows  atomic.Uint32                  // how often it was struck
	late   atomic.Uint32                  // trials that succeeded late since the circuit opened

	// failures in a row. The breaker's own count forgets with the window, and
	// never learns of a request that took longer: a source that hangs would
	// never open its circuit. hold is how long the last failure asked to be left
	// alone.
	tally    sync.Mutex
	failures uint32
	hold     time.Duration

	mu      sync.Mutex
	noted   upstream.HealthState // the state that the last change led to
	changes []CircuitChange      // that nobody has been told of
}

func (l *lane) init(source string, lane upstream.Lane, o CircuitOptions) {
	l.source, l.lane, l.opts, l.made = source, lane, o, time.Now()
	l.breaker.Store(l.newBreaker())
}

func (l *lane) newBreaker() *gobreaker.TwoStepCircuitBreaker[struct{}] {
	var breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         l.source,
		MaxRequests:  l.opts.Probes,
		Interval:     l.opts.Window,
		BucketPeriod: l.opts.Window / buckets,
		// It is half-open only after this time: who waited for RetryAfter and
		// not a tick longer must not come too early.
		Timeout:    max(1, l.opts.LastResort-1),
		IsExcluded: func(err error) bool { return err == errNoVerdict },
		// These are called with the breaker's lock held: only stores.
		IsSuccessful: l.count,
		ReadyToTrip:  l.isReadyToTrip,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if l.breaker.Load() == breaker { // and not one that has been replaced
				l.change(from, to)
			}
		},
	})
	return breaker
}

// closeLate closes the circuit because of trials that succeeded when they had
// given up their places already, in which others may be by now. What was learnt
// of the source since the trial began, when the lane had been struck so often,
// counts for more.
func (l *lane) closeLate(blows uint32) {
	if !l.tripped.Load() || l.blows.Load() != blows || l.now() < l.notUntil.Load() {
		return
	}
	if l.late.Add(1) < l.opts.Probes {
		return
	}
	l.breaker.Store(l.newBreaker())
	l.count(nil)
	l.change(gobreaker.StateHalfOpen, gobreaker.StateClosed)
}

func (l *lane) count(err error) bool {
	l.tally.Lock()
	defer l.tally.Unlock()
	if err == nil {
		l.failures = 0
		return true
	}
	l.failures++
	l.hold = 0
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		l.last.Store(e)
		l.hold = min(e.RetryAfter, max(0, l.opts.MaxHoldOff))
		if e.Status == http.StatusTooManyRequests && l.hold > 0 {
			l.struck.Store(true)
			l.blows.Add(1)
		}
	}
	return false
}

func (l *lane) isReadyToTrip(c gobreaker.Counts) bool {
	l.tally.Lock()
	defer l.tally.Unlock()
	counted := c.Requests - c.TotalExclusions
	rateReached := counted >= l.opts.MinRequests && float64(c.TotalFailures) >= l.opts.FailureRate*float64(counted)
	return l.struck.Load() || l.failures >= l.opts.ConsecutiveFailures || rateReached
}

// change keeps the times for a change of the breaker's state. That a last resort
// has come to nothing is no change.
func (l *lane) change(from, to gobreaker.State) {
	l.tally.Lock()
	hold := l.hold
	l.tally.Unlock()
	now := l.now()
	early := now < l.reopens.Load()
	switch to {
	case gobreaker.StateClosed:
		l.tripped.Store(false)
		l.back.Store(now)
		l.note(upstream.Working, nil)
	case gobreaker.StateHalfOpen:
		if !early {
			l.note(upstream.OnTrial, nil)
		}
	case gobreaker.StateOpen:
		l.struck.Store(false)
		l.late.Store(0)
		l.trialAt.Store(now + int64(l.opts.LastResort))
		asked := max(now+int64(hold), l.notUntil.Load()) // a strike does not take back what a source asked for
		l.notUntil.Store(asked)
		if from == gobreaker.StateHalfOpen && early {
			l.reopens.Store(max(asked, l.reopens.Load()))
			return
		}
		openFor := l.opts.OpenFor
		if hold > 0 {
			openFor = hold
		}
		l.reopens.Store(max(asked, now+int64(openFor)))
		l.tripped.Store(true)
		l.note(upstream.Out, l.last.Load())
	}
}

// now returns the time on the lane's clock.
func (l *lane) now() int64 { return int64(time.Since(l.made)) }

// note keeps a change for tell. Each begins where the one before ended: a last
// resort can close the circuit, or fail when its time has come, without ever
// having been noted as a trial.
func (l *lane) note(to upstream.HealthState, why *upstream.Error) {
	if l.opts.OnChange == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if to == l.noted {
		return
	}
	change := CircuitChange{Source: l.source, Lane: l.lane, From: l.noted, To: to, At: time.Now()}
	if to == upstream.Out {
		change.Until = l.made.Add(time.Duration(l.reopens.Load()))
	}
	if why != nil {
		change.Reason = why
	}
	l.noted = to
	l.changes = append(l.changes, change)
}

// tell calls OnChange for what has changed.
func (l *lane) tell() {
	if l.opts.OnChange == nil {
		return
	}
	l.mu.Lock()
	changes := l.changes
	l.changes = nil
	l.mu.Unlock()
	for _, change := range changes {
		l.opts.OnChange(change)
	}
}

// admits reports whether the breaker may decide about a call.
func (l *lane) admits(ctx context.Context) bool {
	return !l.tripped.Load() || !time.Now().Before(l.reopensFor(ctx))
}

// reopensFor returns from when on a call like that may be let through.
func (l *lane) reopensFor(ctx context.Context) time.Time {
	at := l.reopens.Load()
	if upstream.LastResort(ctx) {
		at = min(at, max(l.trialAt.Load(), l.notUntil.Load()))
	}
	return l.made.Add(time.Duration(max(at, l.trialAt.Load())))
}

func (l *lane) health() upstream.Health {
	var h upstream.Health
	if back := l.back.Load(); back != 0 {
		h.Back = l.made.Add(time.Duration(back))
	}
	switch {
	case !l.tripped.Load():
	case l.now() < l.reopens.Load():
		h.State = upstream.Out
	default:
		h.State = upstream.OnTrial
	}
	return h
}
