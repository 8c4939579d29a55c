package upstream

import (
	"sync"
	"time"
)

// A Budget keeps requests that would not have to be, hedges and retries, to a
// share of those that have to. It is a token bucket: each ordinary request puts
// in the share, each extra one takes out a whole token. The zero Budget allows
// nothing. Its methods may be called by many goroutines at once, and on nil,
// which allows everything.
type Budget struct {
	mu        sync.Mutex
	share     float64
	burst     float64
	perSecond float64
	tokens    float64
	filled    time.Time
}

// NewBudget returns a full Budget: extra requests may be a share of all ordinary
// ones, beside a burst of so many tokens and perSecond new ones, for times in
// which there is little to have a share of. Negative numbers count as 0.
func NewBudget(share float64, burst int, perSecond float64) *Budget {
	return &Budget{
		share: max(0, share), burst: float64(max(0, burst)), perSecond: max(0, perSecond),
		tokens: float64(max(0, burst)), filled: time.Now(),
	}
}

// Ordinary counts a request that has to be.
func (b *Budget) Ordinary() { b.add(func(b *Budget) float64 { return b.share }) }

// Refund gives back what Take took, for an extra request that proved its worth.
func (b *Budget) Refund() { b.add(func(*Budget) float64 { return 1 }) }

func (b *Budget) add(tokens func(*Budget) float64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	b.tokens = min(b.burst, b.tokens+tokens(b))
}

// Take reports whether one more request is within the budget, and takes it out
// if so.
func (b *Budget) Take() bool { return b.take(false) }

// take is Take that leaves half of the burst alone if it is sparing.
func (b *Budget) take(sparing bool) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if !(b.tokens >= 1) || sparing && b.tokens < b.burst/2 {
		return false
	}
	b.tokens--
	return true
}

// fill puts in what time has brought; mu is held.
func (b *Budget) fill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.perSecond*now.Sub(b.filled).Seconds())
	b.filled = now
}
