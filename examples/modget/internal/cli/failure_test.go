package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/cli"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

func of(c upstream.Class) error { return &upstream.Error{Class: c, Err: errors.New("why")} }

// The exit code for each failure, as the program's documentation has them, and the class
// that JSON has beside it.
func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		want  int
		class string
	}{
		{"a file", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, 1, "local"},
		{"anything else here", errors.New("why"), 1, "local"},
		{"usage", cli.Usagef("wrong"), 2, "usage"},
		{"usage, with more to it", fmt.Errorf("reading: %w", cli.Usagef("wrong: %w", of(upstream.NotFound))), 2, "usage"},
		{"not found", of(upstream.NotFound), 3, "not found"},
		{"unavailable", of(upstream.Unavailable), 4, "unavailable"},
		{"timeout", of(upstream.Timeout), 4, "timeout"},
		{"overloaded", of(upstream.Overloaded), 4, "overloaded"},
		{"the time of -timeout", fmt.Errorf("verifying: %w", cli.ErrTimeout), 4, "timeout"},
		{"another deadline", fmt.Errorf("go env: %w", context.DeadlineExceeded), 4, "timeout"},
		{"a full disk behind it", &upstream.Error{Err: fmt.Errorf("spooling: %w", syscall.ENOSPC)}, 1, "local"},
		{"denied", of(upstream.Denied), 5, "denied"},
		{"untrusted", of(upstream.Untrusted), 6, "untrusted"},
		{"a bundle that lacks a file", cli.Final(of(upstream.NotFound)), 1, "local"},
		{"a bundle that cannot be read", cli.Final(of(upstream.Unavailable)), 1, "local"},
		{"a bundle with other bytes", cli.Final(of(upstream.Untrusted)), 6, "untrusted"},
		{"a bundle with what is not proven", cli.Final(of(upstream.Denied)), 5, "denied"},
	} {
		if got := cli.CodeOf(test.err); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
		if got := cli.ClassOf(test.err, test.want); got != test.class {
			t.Errorf("%s: class %q, want %q", test.name, got, test.class)
		}
	}
}

// Of several failures the gravest decides, wherever it stands.
func TestGravest(t *testing.T) {
	unavailable, missing := of(upstream.Unavailable), of(upstream.NotFound)
	denied, untrusted := of(upstream.Denied), of(upstream.Untrusted)
	local := errors.New("the disk")
	for _, test := range []struct {
		errs []error
		want int
	}{
		{[]error{unavailable}, 4},
		{[]error{unavailable, missing}, 3},
		{[]error{missing, denied, unavailable}, 5},
		{[]error{denied, untrusted, missing}, 6},
		{[]error{untrusted, local}, 1},
		{[]error{cli.Told([]error{untrusted}), missing}, 6},
	} {
		if got := cli.CodeOf(cli.Told(test.errs)); got != test.want {
			t.Errorf("%v: %d, want %d", test.errs, got, test.want)
		}
	}
	if err := cli.Told(nil); err != nil {
		t.Errorf("nothing failed, and it says %v", err)
	}
}

// A full disk ends a download: the rest would come for nothing. Another file that
// cannot be stored does not.
func TestFullDiskEndsADownload(t *testing.T) {
	for _, test := range []struct {
		err  error
		ends bool
	}{
		{nil, false},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.EIO}, false},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, true},
	} {
		cause := cli.StoppedBy(fetch.Commit{Err: test.err})
		if test.ends != (cause != nil) || !errors.Is(cause, test.err) && test.ends {
			t.Errorf("%v: it ended with %v", test.err, cause)
		}
	}
}
