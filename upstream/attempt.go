package upstream

import (
	"fmt"
	"time"
)

// An Attempt is one call to one source, and what came of it. Behind
// middleware that tries again, asks beside, or goes on with what broke off, one
// request has several.
type Attempt struct {
	Source  string    // its name
	Request Request   // what it was asked for
	Begun   time.Time // when the call was made

	// Took is how long it took until the whole answer was here, or the failure
	// clear. FirstByte is how long the source was waited for until the answer
	// began, without the time in our own queue; 0 if it never began.
	Took      time.Duration
	FirstByte time.Duration

	Size int64  // of the answer in bytes; 0 without one, and where it is not known
	Err  *Error // what failed; nil: it answered

	// Outpaced is whether it was ended because another source was faster.
	Outpaced bool
}

// String returns one line: the source, how long it took, and what came of it.
func (a Attempt) String() string {
	took := a.Took.Round(time.Millisecond)
	if took == 0 {
		took = a.Took.Round(time.Microsecond)
	}
	switch {
	case a.Outpaced:
		return fmt.Sprintf("%s: outpaced after %v", a.Source, took)
	case a.Err == nil:
		return fmt.Sprintf("%s: answered in %v", a.Source, took)
	}
	reason := a.Err.Reason()
	if a.Err.Source == "" {
		reason = a.Source + ": " + reason
	}
	return fmt.Sprintf("%s, after %v", reason, took)
}
