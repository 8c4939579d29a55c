package survey

import (
	"math"
	"slices"
	"time"

	"golang.org/x/mod/module"
)

// percentile returns the value that the part q of all, which is more than 0, stays within, by the nearest
// rank; 0 for none.
func percentile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

func (s *subject) latency() Latency {
	return Latency{
		First:  s.said.Latency.First,
		Median: percentile(s.latencies, 0.5),
		P95:    percentile(s.latencies, 0.95),
		Count:  len(s.latencies),
	}
}

func (s *subject) throughput(sample []module.Version) Throughput {
	m, all := s.largestZip(sample)
	if len(all) == 0 {
		return Throughput{}
	}
	took := make([]time.Duration, len(all))
	t := Throughput{Of: m.String(), Count: len(all)}
	for i, transfer := range all {
		took[i] = transfer.took
		t.Cut = t.Cut || transfer.cut
	}
	middle := percentile(took, 0.5)
	t.Bytes = all[slices.Index(took, middle)].bytes
	t.BytesPerSecond = float64(t.Bytes) / max(middle, time.Nanosecond).Seconds()
	return t
}

// estimate is how long the sample takes, of whose zips so many bytes are known.
func (s *surveyor) estimate(f Figures, zips int64) time.Duration {
	if f.Latency.Count == 0 || f.Throughput.Count == 0 {
		return 0
	}
	small := time.Duration(2*len(s.opts.Sample)) * f.Latency.Median
	return small + time.Duration(float64(zips)/f.Throughput.BytesPerSecond*float64(time.Second))
}

// zipBytes is how many bytes the zips of the sample have together, as far as they came.
func (s *surveyor) zipBytes() int64 {
	var sum int64
	for _, m := range s.opts.Sample {
		var largest int64
		for _, sub := range s.subjects {
			for _, t := range sub.zips[m] {
				largest = max(largest, t.bytes)
			}
		}
		sum += largest
	}
	return sum
}
