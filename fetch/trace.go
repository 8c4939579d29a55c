package fetch

import (
	"context"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A Trace is a set of hooks that are told what a [Client] does. A nil hook costs
// nothing. It is given to a Client in its [Options], or to one that runs already by
// [Client.Observe].
//
// Hooks are called with no lock held, by the goroutine that does what they are
// told of, from many goroutines at once. They must return soon, must not panic, and
// must not call the Client. What they are given is theirs to read, and not to change.
//
// The contexts are those of the calls. A Start hook returns the context that the
// call goes on with, in which it may keep something for the hook of the End; it
// must come from the one that it was given. What is fetched for several callers at
// once goes on with the context of the first, which it may outlive.
type Trace struct {
	// RequestStart and RequestEnd are called once for each call of Fetch, whatever
	// becomes of it. The body of an answer has not been read yet at its end.
	RequestStart func(context.Context, RequestStart) context.Context
	RequestEnd   func(context.Context, RequestEnd)

	// AttemptStart and AttemptEnd are called for each call to a source, also one
	// that the source's open circuit refuses, and for those of the background. An
	// attempt may end after its request has: one that lost a race, or one that goes on for
	// the next caller.
	AttemptStart func(context.Context, AttemptStart) context.Context
	AttemptEnd   func(context.Context, upstream.Attempt)

	// Retry is called before each wait for another try, and when a request is given
	// up.
	Retry func(context.Context, breaker.RetryEvent)

	// Hedge is called for each request that was made beside another, when it is
	// clear which won.
	Hedge func(context.Context, upstream.HedgeEvent)

	// CircuitChange is called when a source's circuit has opened, lets a trial
	// through, or has closed.
	CircuitChange func(breaker.CircuitChange)

	// Verification is called when it is clear whether a file is what it must be.
	Verification func(context.Context, Verification)

	// Commit is called when a download was stored, or could not be. Those who waited for
	// a file of a version have it by then.
	Commit func(context.Context, Commit)

	// Eviction and Corruption are called for the default store, when entries were
	// removed to make room, and when one was found damaged. A Store of your own has
	// its own hooks ([cache.DiskOptions]).
	Eviction   func(cache.Eviction)
	Corruption func(cache.Corruption)

	// Degradation is called when a caller got less than is promised, or the Client
	// works with less than it has.
	Degradation func(context.Context, Degradation)
}

// A RequestStart is the begin of a call of Fetch.
type RequestStart struct {
	Request upstream.Request // what is asked for
	Begun   time.Time        // when Fetch was called
}

// A RequestEnd is the end of a call of Fetch.
type RequestEnd struct {
	Request upstream.Request // what was asked for
	Begun   time.Time        // when Fetch was called
	Took    time.Duration    // until the answer was ready to be read
	Outcome Outcome          // how it ended

	// Source is who answered, a source or a layer of the store, and Size the size of the
	// answer in bytes; empty and 0 without an answer.
	Source string
	Size   int64

	// Err is the error of the call. Its Story says what was tried. Of an old
	// answer, given because no new one could be had, it is the reason; nil for one
	// that is being renewed.
	Err *upstream.Error
}

// An AttemptStart is the begin of a call to a source.
type AttemptStart struct {
	Source  string           // its name
	Request upstream.Request // what it is asked for
	Begun   time.Time        // when the call is made
}

// A Verification says whether a file is what it must be. None is made of files that
// nobody has to vouch for, nor of those that the store held verified.
type Verification struct {
	Request upstream.Request // for the file
	Source  string           // where the file came from; empty if it was in the store

	// Verified names the check that the file passed, as [upstream.Response.Verified]
	// does; empty if it passed none.
	Verified string

	// Err is why it is not verified: of class Untrusted if the file is not what it
	// must be, Denied if nobody vouches for it, else whoever should could not be
	// asked. It is nil if the file is verified.
	Err error
}

// A Commit is the end of storing a download.
type Commit struct {
	Request  upstream.Request // what was downloaded
	Size     int64            // in bytes
	Took     time.Duration    // the storing, without the download
	Verified string           // as in a [Verification]
	Err      error            // nil: it is stored
}

// A Degradation says what is less than it should be.
type Degradation struct {
	Request upstream.Request // whose answer it is about
	What    Degraded         // in what way
	Err     error            // why
}

// Degraded is in what way something is less than it should be.
type Degraded uint8

const (
	ServedStale      Degraded = iota // an old answer was given, for no new one could be had
	ServedUnverified                 // a file was given that nobody could vouch for ([Options] WhenReachable)
	CacheUnreadable                  // the store failed, and the sources were asked instead
	CacheUnwritable                  // a download could not be stored, and callers got it all the same

	Degradations = iota // how many there are
)

// String returns it in one word, fit for a label: "stale", "unverified",
// "cache-unreadable" or "cache-unwritable".
func (d Degraded) String() string {
	return [...]string{"stale", "unverified", "cache-unreadable", "cache-unwritable"}[min(d, CacheUnwritable)]
}
