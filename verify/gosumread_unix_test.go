//go:build unix

package verify_test

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe that nobody writes to is not waited for, and what has no end is not read.
func TestReadGoSumDoesNotWait(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "go.sum")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, "/dev/zero"} {
		wantNotGoSum(t, file, "no regular file")
	}
}
