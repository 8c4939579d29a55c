package breaker

import (
	"sync"
	"time"
)

// A trial is a call that the breaker has let through. While the circuit is not
// closed, it has its place for as long as lies between two last resorts; then the
// next may try, however long this one takes, and its verdict is given when it
// comes. Otherwise the download of one large zip, or one slow answer, would keep
// everybody else from a source that is back.
type trial struct {
	lane  *lane
	done  func(error)
	timer *time.Timer // nil while the circuit is closed
	blows uint32      // how often the lane had been struck when it began

	mu    sync.Mutex
	given bool // the place has been given up
}

func (l *lane) begin(done func(error)) *trial {
	t := &trial{lane: l, done: done, blows: l.blows.Load()}
	if l.tripped.Load() {
		t.timer = time.AfterFunc(l.opts.LastResort, func() { t.giveUpPlace(errNoVerdict) })
	}
	return t
}

// giveUpPlace tells the breaker how the call ended, or that it goes on; only the
// first time counts. It reports whether it was that.
func (t *trial) giveUpPlace(verdict error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.given {
		return false
	}
	t.given = true
	t.done(verdict)
	return true
}

// end gives the verdict: in the call's own place, or without one. A late failure
// counts only if there is a place; if not, there are others who will tell.
func (t *trial) end(verdict error) {
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.giveUpPlace(verdict) || verdict == errNoVerdict {
		return
	}
	if verdict == nil {
		t.lane.closeLate(t.blows)
	} else if done, err := t.lane.breaker.Load().Allow(); err == nil {
		done(verdict)
	}
}
