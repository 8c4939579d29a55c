//go:build !linux

package cache

import (
	"errors"
	"os"
)

const rangesWork = false

// lockByte is not called: there is a file for each lock.
func lockByte(*os.File, int64) (bool, error) { return false, errors.ErrUnsupported }

func unlockByte(*os.File, int64) error { return errors.ErrUnsupported }
