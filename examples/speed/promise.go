package main

import (
	"context"
	"errors"
)

// A promise is a ratio that has to hold: what Breakwater needs for something, beside
// what a physical limit needs for it in the same run.
type promise struct {
	name    string     // in plain words, as "warm .mod"
	against string     // the limit's name, as "bare net/http"
	unit    string     // of both sides' figures: "ns/op", "B/op", "allocs/op" or another of benchstat's
	compare comparison // how the figures are compared
	floor   float64    // what the comparison must not be beyond; 0: a figure to look at, no promise
	aim     float64    // what it ought to be, where the floor is only what holds today; 0: the floor
	rounds  int        // in a full run, of what takes long; 0: defaultRounds

	// setUp makes both sides ready, so that the first call of each is as good as the
	// last. A *skipped says why it cannot be measured here.
	setUp func(ctx context.Context, e *env) (*sides, error)
}

// Sides are both sides of a promise. Each call of ours or limit is one round.
type sides struct {
	ours, limit func(ctx context.Context) (sample, error)

	server  *child       // the process in which ours does its work; nil: this one
	cleanup func() error // stops what setUp started; nil: nothing to stop
}

func (s *sides) close() error {
	if s.cleanup == nil {
		return nil
	}
	return s.cleanup()
}

// A sample is what one round of one side came to. Less is better, always: requests
// per second are stated as time per request.
type sample struct {
	value float64
	also  []metric // other things seen in that round, for the record
}

// A metric is a figure with its unit, as in a line of Go's benchmark format.
type metric struct {
	value float64
	unit  string
}

// A comparison makes one number of our figure and the limit's.
type comparison int

const (
	// speed is how fast we are as part of the limit: its time over ours, at least floor.
	speed comparison = iota
	// cost is what we take as a multiple of the limit: ours over its, at most floor.
	cost
	// excess is what we take more than the limit, as a difference: at most floor.
	excess
)

func (c comparison) of(ours, limit float64) float64 {
	switch c {
	case speed:
		return limit / ours
	case cost:
		return ours / limit
	}
	return ours - limit
}

// within reports whether x is on the right side of the floor.
func (c comparison) within(x, floor float64) bool {
	if c == speed {
		return x >= floor
	}
	return x <= floor
}

// sign is how the floor is written in the table.
func (c comparison) sign() string {
	if c == speed {
		return ">="
	}
	return "<="
}

// A skipped error says why a promise cannot be measured on this machine.
type skipped struct{ why string }

func (s *skipped) Error() string { return "skipped: " + s.why }

// reason returns why err is a skipped promise, or "" if it is a failure.
func reason(err error) string {
	if s, ok := errors.AsType[*skipped](err); ok {
		return s.why
	}
	return ""
}
