package verify

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxGoSum is the size in bytes of the largest go.sum file that [ReadGoSum] reads: some
// 400,000 module versions, where the biggest repositories have some thousands.
const MaxGoSum = 64 << 20

// ErrNotGoSum is in the chain of the error for what [ReadGoSum] does not read because no
// go.sum file is like that: it is no regular file, or larger than [MaxGoSum].
var ErrNotGoSum = errors.New("not a go.sum file")

// readSumFile returns what is in a file, which is not opened if that could wait for
// ever, as it does for a pipe. The error is an [*fs.PathError].
func readSumFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notGoSum(name, "it is no regular file")
	}
	if info.Size() > MaxGoSum {
		return nil, tooLargeForGoSum(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxGoSum+1)) // it may grow, and not every file tells its size
	if err != nil {
		return nil, err
	}
	if len(data) > MaxGoSum {
		return nil, tooLargeForGoSum(name)
	}
	return data, nil
}

func tooLargeForGoSum(name string) error {
	return notGoSum(name, fmt.Sprintf("it is larger than %d MiB", MaxGoSum>>20))
}

func notGoSum(name, why string) error {
	return &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: %s: check the name", ErrNotGoSum, why)}
}
