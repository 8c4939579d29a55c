package cache

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// rangesWork is whether the system can lock bytes for an open file.
const rangesWork = true

// setOpenFileLock is F_OFD_SETLK, by which a lock belongs to the open file, as one of
// flock does: it ends with the last descriptor, and with the process, and not when
// somebody in the process closes another file of that name (Linux 3.15, fcntl(2);
// the number is that of all architectures, include/uapi/asm-generic/fcntl.h).
const setOpenFileLock = 37

// lockByte takes the lock of a byte if no other open file has it. Who has it already
// by this one gets it again.
func lockByte(file *os.File, at int64) (bool, error) {
	err := setByte(file, at, syscall.F_WRLCK)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	return err == nil, err
}

func unlockByte(file *os.File, at int64) error { return setByte(file, at, syscall.F_UNLCK) }

func setByte(file *os.File, at int64, to int16) error {
	for {
		lock := syscall.Flock_t{Type: to, Whence: io.SeekStart, Start: at, Len: 1}
		err := syscall.FcntlFlock(file.Fd(), setOpenFileLock, &lock)
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fcntl", err)
		}
	}
}
