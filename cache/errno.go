package cache

import (
	"errors"
	"syscall"
)

// A key can be longer than a file name may be, lead through what is a file, or
// name what is a directory. Nothing is stored under such a key.

func isNameTooLong(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func isDir(err error) bool { return errors.Is(err, syscall.EISDIR) }
