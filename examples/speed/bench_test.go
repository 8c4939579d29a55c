package main

import (
	"context"
	"testing"
)

// BenchmarkPromises runs both sides of each promise by the functions of the command, one
// after the other: for a ratio to trust, run that. With -short, sizes are those of -quick.
func BenchmarkPromises(b *testing.B) {
	e, err := newEnv(testing.Short())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.close() })
	for _, p := range promises() {
		b.Run(benchmarkName(p.name), func(b *testing.B) { benchmark(b, p, e) })
	}
}

func benchmark(b *testing.B, p promise, e *env) {
	s, err := p.setUp(b.Context(), e)
	if why := reason(err); why != "" {
		b.Skip(why)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ours", func(b *testing.B) { benchmarkSide(b, p, s.ours) })
	b.Run("limit", func(b *testing.B) { benchmarkSide(b, p, s.limit) })
	if err := s.close(); err != nil {
		b.Error(err)
	}
}

// benchmarkSide reports the median of the side's rounds.
func benchmarkSide(b *testing.B, p promise, side func(context.Context) (sample, error)) {
	var samples []sample
	for b.Loop() {
		s, err := side(b.Context())
		if why := reason(err); why != "" {
			b.Skip(why)
		}
		if err != nil {
			b.Fatal(err)
		}
		samples = append(samples, s)
	}
	b.ReportMetric(quartilesOf(values(samples)).median, p.unit)
}
