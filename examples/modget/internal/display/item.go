package display

import (
	"time"

	"golang.org/x/mod/module"
)

// An Item is one module that is under way. Its methods are safe for many goroutines.
type Item struct {
	display *Display
	module  module.Version
	began   time.Time
	from    arrival // guarded by display.mu
}

// Begin says that the download of m begins. m.Version may be a version query, such as
// "latest"; [Result.Version] then says what it came to.
func (d *Display) Begin(m module.Version) *Item {
	return d.begin(m)
}

// Waiting says what i waits for until it arrives: word returns "queued", "asking" or
// "resolving", say, of 11 bytes at most. It is asked as received of [Item.Arriving] is,
// and must not call the Display.
func (i *Item) Waiting(word func() string) {
	i.display.arriving(i, arrival{word: word})
}

// Arriving says that the zip has begun to come from source. Its size is in bytes, 0 or
// less if not known. Where another source goes on, it may be called again.
//
// Received returns how many bytes are here; nil is for "not known". In [Bars] it is asked
// about five times a second, by another goroutine, and may be asked once more after
// Done; it must not call the Display.
func (i *Item) Arriving(source string, size int64, received func() int64) {
	i.display.arriving(i, arrival{source: Printable(source), size: max(0, size), count: received})
}

// A Result is how an Item ended.
type Result struct {
	Version  string        // the version, where a query was asked for; empty: it is that of Begin
	Bytes    int64         // size of the zip
	Source   string        // name of the source that gave it; empty if none did
	Cached   bool          // whether it was here already, and nothing was fetched
	Verified string        // as in upstream.Response; empty: it was not verified
	Err      error         // why there is no zip; nil if all went well
	Took     time.Duration // 0: counted from Begin
}

// Done says how the module ended. Only the first call counts.
func (i *Item) Done(r Result) {
	if r.Took == 0 {
		r.Took = time.Since(i.began)
	}
	i.display.done(i, r)
}

// An arrival is where a zip comes from. The zero value is for one that nobody has
// begun to send.
type arrival struct {
	source string
	size   int64 // 0: not known
	count  func() int64
	word   func() string // for what is waited, before there is a source; nil: not known
}

// waiting returns in a word what is waited for.
func (a arrival) waiting() string {
	if a.word == nil {
		return "waiting"
	}
	return ascii(a.word())
}

// received returns how many bytes are here, never more than the size.
func (a arrival) received() int64 {
	if a.count == nil {
		return 0
	}
	n := max(0, a.count())
	if a.size > 0 {
		n = min(n, a.size)
	}
	return n
}
