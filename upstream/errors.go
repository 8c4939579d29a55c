package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Class sorts failures by what a caller may do about them.
type Class uint8

const (
	// Unavailable: the thing could not be had this time. It is the zero Class,
	// because a failure that nobody understood must not look like absence.
	Unavailable Class = iota
	NotFound          // it does not exist; errors.Is(err, fs.ErrNotExist)
	Denied            // it may exist, but this caller may not have it
	Timeout           // a bound on time was met on the way
	Untrusted         // the bytes are not what a checksum says they must be
	Overloaded        // our own limit was met; try again later
	Canceled          // the caller went away, or the Fetcher was closed
)

// String returns the class in words.
func (c Class) String() string {
	names := [...]string{"unavailable", "not found", "denied", "timeout", "untrusted", "overloaded", "canceled"}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("Class(%d)", c)
}

// ErrRevalidating is the [Response].Stale of an old answer that is given at
// once because a new one is already being fetched.
var ErrRevalidating = errors.New("an older answer, being renewed")

// An Error says what was asked for, who failed to give it, and what kind of
// failure it was. Its text names no credential.
//
// An Error of class NotFound satisfies errors.Is(err, fs.ErrNotExist), and no
// other Error does, whatever it wraps. In the same way only Timeout satisfies
// errors.Is(err, context.DeadlineExceeded).
type Error struct {
	Class   Class   // what kind of failure it is; the zero Class is [Unavailable]
	Request Request // zero if none could be made
	Subject string  // what was asked for, where there is no Request
	Source  string  // name of the source; empty if no source was asked
	Status  int     // the source's HTTP status; 0 if there was none

	// RetryAfter is how long the source, or an open circuit, asked us to stay
	// away, counted from when the error was made; 0 if it did not say.
	RetryAfter time.Duration

	// Text is the source's own explanation: printable, at most 8 short lines.
	Text string

	// Err is the cause; nil if Status and Text say everything.
	Err error

	// Attempts holds the errors of all sources that were asked, in the order
	// in which they were asked, when there was more than one. The Error itself
	// is the most helpful of them. They are not in the chain of errors.Is: one
	// source's "not found" is not the answer while another's failure is.
	Attempts []*Error

	// Story holds each call that was made to a source, those included that were
	// made again and that open circuits refused, in the order in which they ended;
	// of very many, the latest. Only a Fetcher's errors have one, and only where it
	// asked for this error: one that was remembered has none.
	Story []Attempt

	// Remembered is whether the error is from an earlier call, and nobody was
	// asked this time.
	Remembered bool
}

// MayPass reports whether it may help to ask the same source again. It does not
// where the source gave an answer, if only that it did not like the request: a
// status from 400 to 499 other than 408, 425 and 429 (RFC 9110, section 15.5). Nor does
// it where a forward proxy on the way gave such an answer.
func (e *Error) MayPass() bool {
	if e.Class != Unavailable && e.Class != Timeout {
		return false
	}
	status := e.Status
	if refusal, ok := errors.AsType[*ProxyError](e.Err); ok && status == 0 {
		status = refusal.Status
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status < 400 || status >= 500
}

// Error returns one line: the request, the source, the class and the reason.
// Where several sources were asked, a line for each of the others follows.
func (e *Error) Error() string {
	var b strings.Builder
	if subject := e.subject(); subject != "" {
		b.WriteString(subject + ": ")
	}
	reason := e.Reason()
	b.WriteString(reason)
	times := map[string]int{}
	for _, a := range e.Attempts {
		times[a.Reason()]++
	}
	writeTimes(&b, times[reason])
	delete(times, reason)
	for _, a := range e.Attempts {
		other := a.Reason()
		if times[other] == 0 {
			continue
		}
		b.WriteString("\n\t" + other)
		writeTimes(&b, times[other])
		delete(times, other)
	}
	return b.String()
}

func writeTimes(b *strings.Builder, n int) {
	if n > 1 {
		fmt.Fprintf(b, " (%d times)", n)
	}
}

// Reason returns one line saying who failed and why, without the request.
func (e *Error) Reason() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	b.WriteString(e.Class.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error()))
	}
	if e.Text != "" {
		b.WriteString(": " + oneLine(e.Text))
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " (retry after %v)", max(time.Second, e.RetryAfter.Round(time.Second)))
	}
	return b.String()
}

// subject spells the request the way that the go command does: module@version.
func (e *Error) subject() string {
	r := e.Request
	switch {
	case r == Request{}:
		return oneLine(e.Subject)
	case r.Version() != "":
		return fmt.Sprintf("%s@%s (%v)", r.Module(), r.Version(), r.Kind())
	case r.Module() != "":
		return fmt.Sprintf("%s (%v)", r.Module(), r.Kind())
	}
	return r.Key()
}

// maxLine bounds what is shown of a cause or a subject, in bytes: both may
// quote what a stranger sent.
const maxLine = 2048

// oneLine makes s fit for a log: one line, of bounded length, in which nothing
// plays tricks with a terminal.
func oneLine(s string) string {
	if len(s) > maxLine {
		s = s[:maxLine] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}

// Is makes the class visible to errors.Is.
func (e *Error) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.Class == NotFound
	case context.DeadlineExceeded:
		return e.Class == Timeout
	case context.Canceled:
		return e.Class == Canceled
	}
	return false
}

// Unwrap returns the cause, unless the cause would contradict the class: a
// missing temporary file behind an Unavailable must not read as an absent module.
func (e *Error) Unwrap() error {
	for _, target := range []error{fs.ErrNotExist, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(e.Err, target) && !e.Is(target) {
			return nil
		}
	}
	return e.Err
}

var errNilError = errors.New("it returned an error that is a nil pointer")

// ClassOf returns the class of err: that of the first [*Error] in its chain,
// else Timeout and Canceled for the context's errors, else Unavailable.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		if e == nil {
			return Unavailable
		}
		return e.Class
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Unavailable
}

// AsError returns the first [*Error] in err's chain, or makes one that wraps
// err and names req and source. It returns nil only for a nil err.
func AsError(err error, req Request, source string) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e == nil { // by a mistake of whoever returned it
			return &Error{Request: req, Source: source, Err: errNilError}
		}
		return e
	}
	return &Error{Class: ClassOf(err), Request: req, Source: source, Err: err}
}

// ContextError returns the [*Error] for a ctx that has ended, naming its cause: of
// class Timeout or Canceled.
func ContextError(ctx context.Context, req Request, source string) *Error {
	return &Error{Class: ClassOf(ctx.Err()), Request: req, Source: source, Err: context.Cause(ctx)}
}
