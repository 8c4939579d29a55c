package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/upstream"
)

// The exit codes, which the program's doc comment explains.
const (
	exitLocal       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnavailable = 4
	exitDenied      = 5
	exitUntrusted   = 6
	exitInterrupted = 130
)

// gravity has the codes of failures in the order in which one outranks the next.
var gravity = [...]int{exitLocal, exitUntrusted, exitDenied, exitNotFound, exitUnavailable}

var errTimeout = errors.New("not done within the time that -timeout allows")

// A usageError is a mistake in the command line, or in a file that it names.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A toldError is a failure of which the user knows already.
type toldError struct{ code int }

func (e toldError) Error() string { return "not everything could be had" }

// told returns an error for failures that have been shown; nil if there are none.
func told(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return toldError{gravest(errs)}
}

// A finalError is a failure of a source that is on this machine, such as a bundle: to
// try again does not help, and no doctor either.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// gravest returns the exit code of several failures.
func gravest(errs []error) int {
	seen := map[int]bool{}
	for _, err := range errs {
		seen[codeOf(err)] = true
	}
	for _, code := range gravity {
		if seen[code] {
			return code
		}
	}
	return exitLocal
}

// exitCode returns the code for how a command ended.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return codeOf(err)
}

func codeOf(err error) int {
	if e, ok := errors.AsType[toldError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*upstream.Error](err); !ok && !isLate(err) || isFull(err) {
		return exitLocal // a full disk is this machine's, whatever it made fail
	}
	_, final := errors.AsType[finalError](err)
	switch upstream.ClassOf(err) {
	case upstream.Denied:
		return exitDenied
	case upstream.Untrusted:
		return exitUntrusted
	case upstream.NotFound:
		if !final {
			return exitNotFound
		}
	default:
		if !final {
			return exitUnavailable
		}
	}
	return exitLocal
}

// classOf returns the class of what ended a command, in the words that a module's error
// has in JSON; and "usage", which no module's is.
func classOf(err error, code int) string {
	switch {
	case code == exitUsage:
		return "usage"
	case code == exitInterrupted:
		return upstream.Canceled.String()
	case code == exitLocal:
		return "local"
	case isLate(err):
		return upstream.Timeout.String()
	}
	return display.ClassOf(err)
}

// isLate reports whether the time was up, be it that of -timeout or another.
func isLate(err error) bool {
	return errors.Is(err, errTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// tell prints one line for err, or an object where JSON is wanted.
func (a *app) tell(err error, code int) {
	if _, ok := errors.AsType[toldError](err); err == nil || ok && code != exitInterrupted {
		return
	}
	text := a.explain(err, code)
	if a.json {
		json.NewEncoder(a.Err).Encode(map[string]any{"type": "error", "class": classOf(err, code), "code": code, "text": text})
		return
	}
	fmt.Fprintf(a.Err, "modget: %s\n", text)
}
