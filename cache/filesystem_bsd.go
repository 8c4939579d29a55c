//go:build darwin || dragonfly || freebsd

package cache

import (
	"io/fs"
	"syscall"
)

// statFileSystem returns the size of the file system that dir is in, and what an
// ordinary user may still use of it, in bytes. What is left is below zero when the
// administrator has used what is kept for him (statfs(2)).
func statFileSystem(dir string) (total, free int64, err error) {
	var stat syscall.Statfs_t
	err = syscall.EINTR
	for err == syscall.EINTR {
		err = syscall.Statfs(dir, &stat)
	}
	if err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	size := uint64(stat.Bsize)
	return bytesIn(uint64(stat.Blocks), size), bytesIn(uint64(max(0, int64(stat.Bavail))), size), nil
}
