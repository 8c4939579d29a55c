package cache

import (
	"io/fs"
	"syscall"
)

// statFileSystem returns the size of the file system that dir is in, and what an
// ordinary user may still use of it, in bytes. Blocks are counted in fragments, of
// which Bsize is a multiple on some file systems in user space; an old kernel leaves
// Frsize at 0 (statfs(2), and fs/statfs.c in the kernel's source).
func statFileSystem(dir string) (total, free int64, err error) {
	var stat syscall.Statfs_t
	err = syscall.EINTR
	for err == syscall.EINTR {
		err = syscall.Statfs(dir, &stat)
	}
	if err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	size := uint64(stat.Frsize)
	if size == 0 {
		size = uint64(stat.Bsize)
	}
	return bytesIn(stat.Blocks, size), bytesIn(stat.Bavail, size), nil
}
