//go:build unix

package cache

import (
	"io/fs"
	"syscall"
)

// inodeOf returns the number of a file in its file system; 0 if there is none.
func inodeOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Ino)
	}
	return 0
}
