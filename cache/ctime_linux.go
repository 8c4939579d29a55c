package cache

import (
	"io/fs"
	"syscall"
)

// ctimeOf returns when a file's data, name or attributes last changed, which nobody can
// set, in Unix nanoseconds; 0 if that is not known.
func ctimeOf(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ctim.Nano()
	}
	return 0
}
