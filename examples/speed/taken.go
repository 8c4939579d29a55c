package main

import "time"

// A taken is how long a load took.
type taken struct {
	total time.Duration
	each  []time.Duration // request by request, in no order
}

// perRequest is the median and the 99th percentile of the requests of a load, in
// nanoseconds, as metrics for the record.
func (t taken) perRequest() []metric {
	return []metric{{t.percentile(0.5), "p50-ns"}, {t.percentile(0.99), "p99-ns"}}
}

// percentile is the time below which the part q of the requests was answered, in
// nanoseconds.
func (t taken) percentile(q float64) float64 {
	xs := make([]float64, len(t.each))
	for i, d := range t.each {
		xs[i] = float64(d) / float64(time.Nanosecond)
	}
	return sortedQuantile(xs, q)
}
