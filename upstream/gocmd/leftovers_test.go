package gocmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// crashVariable has the test's program make a Source in the directory that it
// names, and stay until it is killed.
const crashVariable = "GOCMD_TEST_CRASH"

func crash(dir string) {
	if _, err := gocmd.New(&gocmd.Options{Dir: dir}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
}

// leave returns the directory in dir of a process that has died there, with
// files in it as of a command that was interrupted.
func leave(t *testing.T, dir string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	before := directories(t, dir)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), crashVariable+"="+dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	if n, _ := io.ReadFull(stdout, line[:6]); string(line[:n]) != "ready\n" {
		rest, _ := io.ReadAll(stdout)
		t.Fatalf("the other process says %q", append(line[:n], rest...))
	}
	left := slices.DeleteFunc(directories(t, dir), func(name string) bool { return slices.Contains(before, name) })
	if len(left) != 1 {
		t.Fatalf("the other process has made %q", left)
	}
	gocmd.Sweep(t.Context(), dir)
	if _, err := os.Stat(filepath.Join(dir, left[0])); err != nil {
		t.Errorf("while the other process lives: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	write(t, filepath.Join(dir, left[0], "w1", "mod", "read-only", "file"), "left")
	if err := os.Chmod(filepath.Join(dir, left[0], "w1", "mod", "read-only"), 0o500); err != nil {
		t.Fatal(err)
	}
	return left[0]
}

func directories(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestLeftovers: what a process that was killed has left is removed by the next
// Source, and what others use, or have made, is not.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	if !gocmd.LocksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	dir, elsewhere := t.TempDir(), t.TempDir()
	other, err := gocmd.New(&gocmd.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	leave(t, dir)
	write(t, filepath.Join(elsewhere, "owner"), "")
	write(t, filepath.Join(elsewhere, "precious"), "")
	if err := os.Symlink(elsewhere, filepath.Join(dir, "breakwater-direct-link")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "breakwater-direct-file"), "")
	write(t, filepath.Join(dir, "breakwater-direct-new", "w1"), "") // has no owner yet
	write(t, filepath.Join(dir, "unrelated", "owner"), "")
	if os.Geteuid() == 0 { // else it cannot be made
		theirs := filepath.Join(dir, "breakwater-direct-theirs")
		write(t, filepath.Join(theirs, "owner"), "")
		if err := os.Chown(theirs, 12345, -1); err != nil {
			t.Fatal(err)
		}
	}
	want := slices.DeleteFunc(directories(t, dir), func(name string) bool { return name == left(t, dir) })

	next, err := gocmd.New(&gocmd.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for left(t, dir) != "" {
		runtime.Gosched()
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	gocmd.Sweep(t.Context(), dir) // Close has ended the other one
	if diff := cmp.Diff(want, directories(t, dir)); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"owner", "precious"}, directories(t, elsewhere)); diff != "" {
		t.Errorf("where a link leads to (-want +got):\n%s", diff)
	}
}

// left returns the name of the directory with what leave has left.
func left(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "w1", "mod"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return ""
	}
	return filepath.Base(filepath.Dir(filepath.Dir(found[0])))
}

// TestInterruptedSweep: sweeping ends with its context, and what it leaves is
// still known for what it is.
func TestInterruptedSweep(t *testing.T) {
	t.Parallel()
	if !gocmd.LocksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	dir := t.TempDir()
	name := leave(t, dir)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gocmd.Sweep(ended, dir)
	if err := gocmd.RemoveAll(ended, filepath.Join(dir, name)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want canceled", err)
	}
	if left(t, dir) != name {
		t.Error("something was removed after the end")
	}
	for _, more := range []string{"a1", "w2"} {
		write(t, filepath.Join(dir, name, more, "file"), "")
	}
	if err := gocmd.RemoveAll(&endsAfter{t.Context(), 2}, filepath.Join(dir, name)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want canceled", err)
	}
	if diff := cmp.Diff([]string{"owner", "w2"}, directories(t, filepath.Join(dir, name))); diff != "" {
		t.Errorf("in the middle (-want +got):\n%s", diff)
	}
	gocmd.Sweep(t.Context(), dir)
	if got := directories(t, dir); len(got) > 0 {
		t.Errorf("%q is left", got)
	}
}

// endsAfter is a context that has ended once it was asked so often.
type endsAfter struct {
	context.Context
	asked int
}

func (c *endsAfter) Err() error {
	if c.asked--; c.asked >= 0 {
		return nil
	}
	return context.Canceled
}
