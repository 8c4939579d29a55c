package cli

import (
	"context"

	"github.com/breakwater-go/breakwater/fetch"
)

var (
	ErrTimeout = errTimeout
	Usagef     = usagef
	Told       = told
	CodeOf     = codeOf
	ClassOf    = classOf
	Quote      = quote
	Discreet   = discreet
)

// StoppedBy returns the cause with which a download ends after such a commit; nil if
// it goes on.
func StoppedBy(commit fetch.Commit) error {
	s := new(session)
	ctx, end := s.whileThereIsRoom(context.Background())
	defer end()
	s.committed(ctx, commit)
	return context.Cause(ctx)
}

// Final makes a finalError.
func Final(err error) error { return finalError{err} }

// GoStyle is goStyle for the program's own flags.
func GoStyle(args ...string) []string { return goStyle(new(app).root(), args) }
