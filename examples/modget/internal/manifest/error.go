package manifest

import (
	"fmt"
	"strings"
)

// An Error is what is wrong with an argument or a file, and what to do about it,
// on one line. A file that is missing or cannot be read is fs.ErrNotExist or
// fs.ErrPermission by errors.Is; that says nothing of a module.
type Error struct {
	File string // as it was named; empty: the argument of the command line is wrong
	Line int    // from 1; 0: it is about the whole file
	Err  error
}

func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Err.Error()
	case e.Line == 0:
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// at returns what is wrong with a line.
func at(file string, line int, format string, args ...any) error {
	return &Error{File: file, Line: line, Err: fmt.Errorf(format, args...)}
}

// oneLine returns text without line breaks.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// shortened cuts what is quoted, for a wrong file may be one long line.
func shortened(text string) string {
	const most = 80 // bytes
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
