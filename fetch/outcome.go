package fetch

import (
	"context"
	"errors"

	"github.com/breakwater-go/breakwater/upstream"
)

// An Outcome is how a request ended.
type Outcome uint8

const (
	HitMemory Outcome = iota // from memory
	HitDisk                  // from another layer of the store, or what is known of the checksum database
	Miss                     // from a source
	Coalesced                // from a source that was being asked for somebody else already
	Stale                    // an old answer to a changeable question, from what is at hand
	Negative                 // remembered that the sources said that it does not exist
	NotFound                 // the sources say that it does not exist
	Denied                   // the caller may not have it, or nobody vouches for it
	Offline                  // not at hand, and no source might be asked
	Canceled                 // the caller went away, or had no more time, or the Client was closed
	Failed                   // it could not be had

	Outcomes = iota // how many there are
)

// String returns the outcome in words fit for a label, such as "hit-memory".
func (o Outcome) String() string {
	return [...]string{
		"hit-memory", "hit-disk", "miss", "coalesced", "stale", "negative", "not-found", "denied", "offline", "canceled", "failed",
	}[min(o, Failed)]
}

// IsHit reports whether the answer came from what was at hand, be it an old one or
// that there is none.
func (o Outcome) IsHit() bool { return o <= HitDisk || o == Stale || o == Negative }

// OutcomeOf returns the outcome of a Client's Fetch by what it returned. It does not
// know that a Timeout was the end of the caller's own time: that is Failed here, and
// Canceled in a [RequestEnd], an [Access] and [Stats].
func OutcomeOf(resp *upstream.Response, err error) Outcome {
	switch {
	case err != nil:
		return outcomeOfError(err)
	case resp.Stale != nil && resp.Cached: // else it is old already where it came from
		return Stale
	case resp.Cached && resp.Source == "memory":
		return HitMemory
	case resp.Cached:
		return HitDisk
	case resp.Collapsed:
		return Coalesced
	}
	return Miss
}

// outcomeIn is OutcomeOf for a call with ctx.
func outcomeIn(ctx context.Context, resp *upstream.Response, err error) Outcome {
	o := OutcomeOf(resp, err)
	if o == Failed && ctx.Err() != nil && upstream.ClassOf(err) == upstream.Timeout {
		return Canceled
	}
	return o
}

func outcomeOfError(err error) Outcome {
	e := upstream.AsError(err, upstream.Request{}, "")
	switch e.Class {
	case upstream.NotFound:
		if e.Remembered {
			return Negative
		}
		return NotFound
	case upstream.Denied:
		return Denied
	case upstream.Canceled:
		return Canceled
	}
	if errors.Is(e, upstream.ErrOffline) {
		return Offline
	}
	return Failed
}
