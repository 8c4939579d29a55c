//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package gocmd

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// locksWork is whether tryLock tells a living process from a dead one.
const locksWork = true

// tryLock takes the lock on file if nobody has it. The lock belongs to the open
// file: it ends with Close, and with the process. Children do not inherit it.
func tryLock(file *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		}
		return err == nil, err
	}
}

// isMine reports whether the file belongs to the user that we are.
func isMine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
