package main

import (
	"math"
	"slices"
)

// Quartiles are where a quarter, half and three quarters of some figures lie below.
type quartiles struct{ lower, median, upper float64 }

// quartilesOf returns the quartiles of xs, of which there is at least one, with linear
// interpolation between neighbours. xs is left as it is.
func quartilesOf(xs []float64) quartiles {
	sorted := slices.Sorted(slices.Values(xs))
	return quartiles{quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

// quantile is the value below which the part q of sorted lies.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := math.Floor(at)
	i := int(below)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-below)*(sorted[i+1]-sorted[i])
}

// sortedQuantile is quantile of figures in any order.
func sortedQuantile(xs []float64, q float64) float64 {
	return quantile(slices.Sorted(slices.Values(xs)), q)
}

// values are the figures of some samples.
func values(samples []sample) []float64 {
	xs := make([]float64, len(samples))
	for i, s := range samples {
		xs[i] = s.value
	}
	return xs
}
