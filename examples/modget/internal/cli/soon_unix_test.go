//go:build unix

package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// Ctrl-C ends a command that waits for somebody to open the other end of a pipe.
func TestInterruptedBeforeAPipeIsOpened(t *testing.T) {
	fixture.Settings(t, "off")
	for _, args := range [][]string{
		{"warm"},
		{"verify", "."},
		{"bundle", "import"},
	} {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o666); err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		switch args[0] {
		case "verify":
			args = append(args, "-gosum", pipe)
		default:
			args = append(args, pipe)
		}
		run(t, ctx, args...).wantOneLine(t, 130, "interrupted")
		release(t, pipe)
	}
}

// release lets whoever opens the pipe for reading go on.
func release(t *testing.T, pipe string) {
	t.Helper()
	f, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// A file without an end is not read to its end.
func TestEndlessGoSum(t *testing.T) {
	fixture.Settings(t, "off")
	run(t, t.Context(), "verify", "-gosum", "/dev/zero", ".").wantOneLine(t, 2, "/dev/zero: is larger than 16 MiB")
}

// A file that is there and that the user may not read is no mistake in its name.
func TestUnreadableInput(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	fixture.Settings(t, "off")
	secret := file(t, "go.sum", "\n")
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	run(t, t.Context(), "warm", secret).wantOneLine(t, 1, "permission denied")
	run(t, t.Context(), "verify", "-gosum", secret, ".").wantOneLine(t, 1, "permission denied")
}
