package breaker

import (
	"cmp"
	"math"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// CircuitOptions says when a circuit opens and for how long. A nil
// *CircuitOptions and zero fields mean the defaults.
type CircuitOptions struct {
	// ConsecutiveFailures opens the circuit after so many failures in a row,
	// however far apart. Default: 5.
	ConsecutiveFailures uint32

	// FailureRate opens the circuit when this part of the requests in Window
	// failed, once there were MinRequests of them. Default: 0.7, and 20 requests.
	// A rate above 1 is never reached; neither is a negative one.
	FailureRate float64
	MinRequests uint32

	// Window is how far back FailureRate looks. Default: 30 s.
	Window time.Duration

	// SlowAnswer is how long the first byte of an answer may take before the call
	// counts as a failure, although its caller gets the answer. Default: no
	// bound, for a source that is slow is better than none; among mirrors, those
	// that others are faster than are found out all the same.
	SlowAnswer time.Duration

	// Silence is how long a source may be silent before a call counts as a
	// failure although its caller has gone. Default: 10 s; negative: it never
	// does.
	Silence time.Duration

	// OpenFor is how long nobody is let through once the circuit is open. Then
	// it is half-open: probes are let through, and decide. Default: 10 s.
	OpenFor time.Duration

	// LastResort is how often, while the circuit is open, one request is let
	// through nevertheless that nobody else could answer (see [Retry]). If it
	// succeeds, the circuit closes ahead of time. Default: 250 ms; negative:
	// never.
	LastResort time.Duration

	// MaxHoldOff bounds how long a source is left alone because it asked for it
	// with Retry-After: at once for the status 429, and for others in place of
	// OpenFor when the circuit opens. Not even a last resort goes before.
	// Default: 30 s; negative: Retry-After changes nothing.
	MaxHoldOff time.Duration

	// Probes is how many requests a half-open circuit lets through at once, and
	// how many must succeed in a row to close it. Default: 1.
	Probes uint32

	// OnChange is called after a circuit has changed its state, by the goroutine
	// of the call that changed it and with no lock held. Calls may come from
	// many goroutines at once. Default: nobody is told.
	OnChange func(CircuitChange)
}

// A CircuitChange is a change of a circuit's state.
type CircuitChange struct {
	Source   string               // the source's name
	Lane     upstream.Lane        // which of its circuits
	From, To upstream.HealthState // what it was, and what it is now
	At       time.Time            // when it changed
	Until    time.Time            // when a source that is out will be tried again; zero if it is not out
	Reason   error                // the failure because of which the source is out; nil if it came back
}

func (o *CircuitOptions) withDefaults() CircuitOptions {
	var opts CircuitOptions
	if o != nil {
		opts = *o
	}
	opts.ConsecutiveFailures = cmp.Or(opts.ConsecutiveFailures, 5)
	opts.FailureRate = cmp.Or(opts.FailureRate, 0.7)
	if opts.FailureRate < 0 {
		opts.FailureRate = math.Inf(1)
	}
	opts.MinRequests = cmp.Or(opts.MinRequests, 20)
	opts.Window = cmp.Or(opts.Window, 30*time.Second)
	opts.Silence = cmp.Or(opts.Silence, 10*time.Second)
	opts.OpenFor = cmp.Or(opts.OpenFor, 10*time.Second)
	opts.LastResort = cmp.Or(opts.LastResort, 250*time.Millisecond)
	opts.MaxHoldOff = cmp.Or(opts.MaxHoldOff, 30*time.Second)
	opts.Probes = cmp.Or(opts.Probes, 1)
	if opts.LastResort < 0 {
		opts.LastResort = opts.OpenFor
	}
	opts.LastResort = min(opts.LastResort, opts.OpenFor)
	return opts
}
