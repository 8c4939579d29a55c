package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/breakwater-go/breakwater/cache"
)

// An UnstoredError says that a file was there to be had, and could not be stored.
// It wraps the store's own error, so that errors.Is finds a full disk
// (syscall.ENOSPC), a quota (syscall.EDQUOT), a right that is missing
// (fs.ErrPermission), [cache.ErrTooLarge] and [cache.ErrReadOnly]. Where another file of
// that name is in the store, whole, it stays for those who vouch for it, and that is the
// error.
type UnstoredError struct {
	Key string // what it was to be stored under, which is its path at a module proxy
	Dir string // the directory that the store is in; empty if it is in none
	Err error  // the store's error; never nil
}

// Error names the file, the store's directory, the cause and what to do about it.
func (e *UnstoredError) Error() string {
	where := ""
	if e.Dir != "" {
		where = " in " + e.Dir
	}
	text := fmt.Sprintf("%s could not be stored%s: %v", e.Key, where, e.Err)
	if advice := e.advice(); advice != "" {
		text += "; " + advice
	}
	return text
}

// Unwrap returns the store's error.
func (e *UnstoredError) Unwrap() error { return e.Err }

func (e *UnstoredError) advice() string {
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		return "make room there and try again: what is stored is not fetched again"
	case errors.Is(e.Err, syscall.EROFS), errors.Is(e.Err, cache.ErrReadOnly):
		return "name a place that can be written to"
	case errors.Is(e.Err, fs.ErrPermission):
		return "let this user write there, or name another place"
	case errors.Is(e.Err, syscall.EIO):
		return "the system's log says more of the disk, which may be dying"
	case errors.Is(e.Err, cache.ErrTooLarge):
		return "raise the bound of the store"
	case errors.Is(e.Err, errOther):
		return "find out which is right, and name another place, or remove the module there"
	}
	return ""
}
