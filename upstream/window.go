package upstream

import (
	"math"
	"slices"
	"time"
)

// windowSize is how many measurements a percentile is taken of: enough for the
// 95th to rest on a handful, few enough to follow a change of weather.
const windowSize = 64

// A window holds the latest durations that were measured.
type window struct {
	ring  [windowSize]time.Duration
	count int
}

func (w *window) add(d time.Duration) {
	w.ring[w.count%windowSize] = d
	w.count++
}

// size returns how many measurements there are to judge by.
func (w *window) size() int { return min(w.count, windowSize) }

// percentile returns the duration that the part p of the measurements is not
// above: the nearest rank; 0 without measurements.
func (w *window) percentile(p float64) time.Duration {
	n := w.size()
	if n == 0 {
		return 0
	}
	sorted := w.ring
	slices.Sort(sorted[:n])
	rank := int(math.Ceil(p * float64(n)))
	return sorted[min(max(rank, 1), n)-1]
}
