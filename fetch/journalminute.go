package fetch

import (
	"math/bits"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// minuteFigures are what the requests that ended in one minute come to.
type minuteFigures struct {
	minute       int64 // its number since the begin of the journal; -1: none
	outcomes     [Outcomes]uint32
	hits, misses histogram // of how long answers took; failures are in neither

	// Of those, the answers about modules. What checksum databases are asked is mostly
	// asked by the Client itself, and answered from what is at hand.
	moduleHits, moduleMisses uint32
}

func (m *minuteFigures) add(kind upstream.Kind, o Outcome, took time.Duration) {
	module := uint32(1)
	if kind.SumDB() {
		module = 0
	}
	m.outcomes[o]++
	switch {
	case o.IsHit():
		m.hits.add(took)
		m.moduleHits += module
	case o == Miss, o == Coalesced, o == NotFound:
		m.misses.add(took)
		m.moduleMisses += module
	}
}

func (m *minuteFigures) join(other *minuteFigures) {
	for i, n := range other.outcomes {
		m.outcomes[i] += n
	}
	m.hits.join(&other.hits)
	m.misses.join(&other.misses)
	m.moduleHits += other.moduleHits
	m.moduleMisses += other.moduleMisses
}

// total returns how many requests ended, without those whose callers had gone.
func (m *minuteFigures) total() int64 {
	var n int64
	for _, of := range m.outcomes {
		n += int64(of)
	}
	return n - int64(m.outcomes[Canceled])
}

// answered returns how many got an answer, if only that there is no such module.
func (m *minuteFigures) answered() int64 {
	return m.total() - int64(m.outcomes[Failed]) - int64(m.outcomes[Denied]) - int64(m.outcomes[Offline])
}

// modules returns the answers about modules, and how many of them were at hand.
func (m *minuteFigures) modules() (answers, hits int64) {
	return int64(m.moduleHits) + int64(m.moduleMisses), int64(m.moduleHits)
}

// A histogram counts durations from a microsecond to 9 minutes in steps of about a
// fifth, so that a quantile of it is at most a tenth off.
type histogram [histogramSteps]uint32

const (
	histogramLow   = 10 // the first step ends at 2^10 ns
	histogramSteps = 4 * 30
)

func (h *histogram) add(d time.Duration) { h[histogramStep(d)]++ }

// histogramStep returns the power of two and the two bits that follow the first.
func histogramStep(d time.Duration) int {
	n := uint64(max(0, d))
	power := bits.Len64(n) - 1
	if power < histogramLow {
		return 0
	}
	return min((power-histogramLow)*4+int(n>>(power-2)&3), histogramSteps-1)
}

// stepMiddle returns the middle of a step.
func stepMiddle(step int) time.Duration {
	quarter := time.Duration(1) << (step/4 + histogramLow - 2)
	return quarter*time.Duration(4+step%4) + quarter/2
}

func (h *histogram) join(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

func (h *histogram) count() int64 {
	var n int64
	for _, of := range h {
		n += int64(of)
	}
	return n
}

// quantile returns what the part q of the durations stayed within; 0 for none.
func (h *histogram) quantile(q float64) time.Duration {
	all := h.count()
	if all == 0 {
		return 0
	}
	rank := min(int64(q*float64(all)), all-1)
	for i, n := range h {
		if rank -= int64(n); rank < 0 {
			return stepMiddle(i)
		}
	}
	return stepMiddle(histogramSteps - 1)
}
