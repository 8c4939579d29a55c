package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// size is a flag for a number of bytes; 0 is "off".
type size int64

var errSize = errors.New("want a size such as 512KiB, 64MiB or 1GiB, a number of bytes, or off")

// Set reads what somebody typed.
func (s *size) Set(text string) error {
	if text == "off" {
		*s = 0
		return nil
	}
	number, shift := cutUnit(text)
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return errSize
	}
	*s = size(n << shift)
	return nil
}

func cutUnit(text string) (number string, shift int) {
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			return strings.TrimSpace(number), 10 * (i + 1)
		}
	}
	return text, 0
}

// String returns the size in bytes.
func (s *size) String() string { return strconv.FormatInt(int64(*s), 10) }

// budget returns the size as [fetch.Options] takes it, where 0 would mean the
// default.
func (s size) budget() int64 {
	if s == 0 {
		return -1
	}
	return int64(s)
}
