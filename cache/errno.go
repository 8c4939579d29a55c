package cache

import (
	"errors"
	"syscall"
)

// A key can be longer than a file name may be, lead through what is a file, or
// name what is a directory. Nothing is stored under such a key.

func isNameTooLong(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// isFull reports whether err means that there is no room on the disk, or no more
// for this user.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func isDir(err error) bool { return errors.Is(err, syscall.EISDIR) }
