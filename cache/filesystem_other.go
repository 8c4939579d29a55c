//go:build !darwin && !dragonfly && !freebsd && !linux

package cache

import (
	"errors"
	"io/fs"
)

// statFileSystem fails: package syscall has no such call here, or another one.
func statFileSystem(dir string) (total, free int64, err error) {
	return 0, 0, &fs.PathError{Op: "statfs", Path: dir, Err: errors.ErrUnsupported}
}
