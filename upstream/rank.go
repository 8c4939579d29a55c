package upstream

import "context"

// merge makes one error of what several sources said, in the order of the go
// command (modfetch/proxy.go, TryProxies): a failure before a "not found", the
// later of two equals. One thing differs: bytes that did not match a checksum
// come before any other failure, for that is what somebody must look at.
func merge(attempts []*Error) *Error {
	if len(attempts) == 1 {
		return attempts[0]
	}
	best := attempts[0]
	for _, e := range attempts[1:] {
		if rank(e) >= rank(best) {
			best = e
		}
	}
	return withAttempts(best, attempts)
}

func rank(e *Error) int {
	switch {
	case e.Err == errOff || e.Err == errDirect:
		return 0 // it was never there to be asked
	case e.Class == NotFound:
		return 1
	case e.Class == Untrusted:
		return 3
	}
	return 2
}

// cutShort makes the error for a ctx that ended before everyone had had their
// say, or anyone. What the others would have said is not known, so a "not found"
// is not the answer.
func cutShort(ctx context.Context, req Request, attempts []*Error) *Error {
	ended := ContextError(ctx, req, "")
	if n := len(attempts); n == 0 || attempts[n-1].Class != ended.Class {
		attempts = append(attempts, ended)
	}
	return merge(attempts)
}

// withAttempts returns a copy of best that lists every attempt, with attempts
// that are themselves merged laid out flat.
func withAttempts(best *Error, attempts []*Error) *Error {
	out := *best
	out.Attempts = nil
	for _, e := range attempts {
		if len(e.Attempts) == 0 {
			out.Attempts = append(out.Attempts, e)
			continue
		}
		out.Attempts = append(out.Attempts, e.Attempts...)
	}
	return &out
}

// Conclusive reports whether everyone who was asked agrees with the error's
// class. A "not found" that is not conclusive, because a mirror that might have
// known better was failing, must not be remembered.
func (e *Error) Conclusive() bool {
	for _, a := range e.Attempts {
		if a.Class != e.Class {
			return false
		}
	}
	return true
}
