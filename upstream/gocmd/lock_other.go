//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package gocmd

import (
	"io/fs"
	"os"
)

const locksWork = false

// tryLock is not called: without locks there are no owners' files.
func tryLock(*os.File) (bool, error) { return false, nil }

func isMine(fs.FileInfo) bool { return false }
