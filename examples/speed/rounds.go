package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// A quick run has fewer rounds, and the fewest of what takes long by itself.
const (
	defaultRounds     = 15
	quickRounds       = 5
	quickRoundsOfLong = 3
)

// An outcome is what the rounds of one promise came to.
type outcome struct {
	promise     promise
	ours, limit []sample // one of each per round, in order
	skipped     string   // why nothing was measured; else ""
}

// comparisons are the ratios (or differences) of the rounds.
func (o *outcome) comparisons() quartiles {
	xs := make([]float64, len(o.ours))
	for i := range xs {
		xs[i] = o.promise.compare.of(o.ours[i].value, o.limit[i].value)
	}
	return quartilesOf(xs)
}

// measure sets a promise up, runs its rounds and takes it down again. profiles is a
// directory for a CPU profile of ours, or "".
func measure(ctx context.Context, p promise, e *env, profiles string) (o *outcome, err error) {
	s, err := p.setUp(ctx, e)
	if why := reason(err); why != "" {
		return &outcome{promise: p, skipped: why}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	defer func() {
		if err = errors.Join(err, s.close()); err != nil {
			err = fmt.Errorf("%s: %w", p.name, err)
		}
	}()
	rounds := p.roundsIn(e)
	if o, err = interleave(ctx, p, s, rounds); reason(err) != "" {
		return &outcome{promise: p, skipped: reason(err)}, nil
	}
	if err != nil || profiles == "" {
		return o, err
	}
	return o, profile(ctx, s, rounds, filepath.Join(profiles, benchmarkName(p.name)+".pprof"))
}

func (p promise) roundsIn(e *env) int {
	switch {
	case e.rounds > 0:
		return e.rounds
	case e.quick && p.rounds > 0:
		return min(p.rounds, quickRoundsOfLong)
	case e.quick:
		return quickRounds
	case p.rounds > 0:
		return p.rounds
	}
	return defaultRounds
}

// interleave runs both sides in turn, the first of one round being the second of the
// next, so that a machine that slows down or speeds up does so for both. What comes
// before the rounds, one run of each, does not count.
func interleave(ctx context.Context, p promise, s *sides, rounds int) (*outcome, error) {
	o := &outcome{promise: p}
	for round := range rounds + 1 {
		ours, limit, err := s.round(ctx, round%2 == 0)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			o.ours, o.limit = append(o.ours, ours), append(o.limit, limit)
		}
	}
	return o, nil
}

// round runs each side once.
func (s *sides) round(ctx context.Context, oursFirst bool) (ours, limit sample, err error) {
	if oursFirst {
		if ours, err = s.ours(ctx); err != nil {
			return ours, limit, fmt.Errorf("ours: %w", err)
		}
	}
	if limit, err = s.limit(ctx); err != nil {
		return ours, limit, fmt.Errorf("the limit: %w", err)
	}
	if !oursFirst {
		if ours, err = s.ours(ctx); err != nil {
			return ours, limit, fmt.Errorf("ours: %w", err)
		}
	}
	return ours, limit, ctx.Err()
}
