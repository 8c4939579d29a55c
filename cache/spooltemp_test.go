package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// spoolUntilKilled has a child process make a spool and stay until it is killed.
const spoolUntilKilled = "BREAKWATER_TEST_SPOOL"

// TestSpoolUntilKilled is the child.
func TestSpoolUntilKilled(t *testing.T) {
	if os.Getenv(spoolUntilKilled) == "" {
		t.Skip("run by TestSpoolOfAProcessThatWasKilled")
	}
	s := NewSpool(0)
	if _, err := s.Write([]byte("half of a download")); err != nil {
		t.Fatal(err)
	}
	fmt.Println(s.file.Name())
	time.Sleep(time.Hour)
}

// spoolElsewhere starts a process that spools into the directory for temporary files,
// and returns it with its file.
func spoolElsewhere(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "-test.run=^TestSpoolUntilKilled$")
	child.Env = append(os.Environ(), spoolUntilKilled+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Wait() }) // which the end of the context has killed
	var name string
	if _, err := fmt.Fscanln(out, &name); err != nil || !strings.Contains(name, tempSpoolPrefix) {
		t.Fatalf("the child says %q, %v", name, err)
	}
	return child, name
}

func isThere(t *testing.T, name string) bool {
	t.Helper()
	_, err := os.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// spoolHere makes a spool whose file is in the directory for temporary files.
func spoolHere(t *testing.T, content string) *Spool {
	t.Helper()
	s := NewSpool(0)
	if _, err := io.WriteString(s, content); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// What a process that was killed has left is removed by the next spool; what others
// use, in another process or in this one, is not.
func TestSpoolOfAProcessThatWasKilled(t *testing.T) {
	if !locksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ours := spoolHere(t, "ours")
	dead, left := spoolElsewhere(t)
	_, used := spoolElsewhere(t)
	spoolHere(t, "while all live")
	if !isThere(t, left) {
		t.Error("the file of a living process was removed")
	}
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	dead.Wait() // says that it was killed
	if !isThere(t, left) {
		t.Fatal("the process has removed its file itself")
	}
	spoolHere(t, "after one has died")
	for name, want := range map[string]bool{left: false, used: true, ours.file.Name(): true} {
		if got := isThere(t, name); got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
	if err := ours.Finish(); err != nil {
		t.Error(err)
	}
	if name, err := ours.FileName(); err != nil || !isThere(t, name) {
		t.Errorf("a finished spool has no file: %v", err)
	}
}

// A spool that goes on in the directory for temporary files, as its own is full, is
// locked there as well.
func TestSpoolThatMovedIsNoLeftover(t *testing.T) {
	if !locksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	s := NewSpool(0, dir)
	if _, err := io.WriteString(s, "content"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.relocate(); err != nil {
		t.Fatal(err)
	}
	spoolHere(t, "another")
	if !isThere(t, s.file.Name()) {
		t.Error("its file was removed")
	}
}

// What is no spool's file is left alone, whatever its name.
func TestSweepLeavesTheRest(t *testing.T) {
	if !locksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	dir, elsewhere := t.TempDir(), t.TempDir()
	precious := filepath.Join(elsewhere, "precious")
	link, directory := filepath.Join(dir, tempSpoolPrefix+"link"), filepath.Join(dir, tempSpoolPrefix+"directory")
	unrelated, leftover := filepath.Join(dir, "unrelated"), filepath.Join(dir, tempSpoolPrefix+"1")
	for _, name := range []string{precious, unrelated, leftover} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(precious, link), os.Mkdir(directory, 0o700)); err != nil {
		t.Fatal(err)
	}
	sweepTempSpools(dir)
	for name, want := range map[string]bool{precious: true, link: true, directory: true, unrelated: true, leftover: false} {
		if got := isThere(t, name); got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
}

// A new file that was swept before it was locked is not used, nor is one that
// somebody has locked who is about to.
func TestNewSpoolThatWasTakenForALeftover(t *testing.T) {
	if !locksWork {
		t.Skip("there are no locks to tell the dead by")
	}
	for name, take := range map[string]func(t *testing.T, name string){
		"removed": func(t *testing.T, name string) { sweepTempSpool(name) },
		"replaced": func(t *testing.T, name string) {
			sweepTempSpool(name)
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"locked": func(t *testing.T, name string) {
			other, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			if ok, err := tryLock(other); !ok || err != nil {
				t.Fatal(ok, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.CreateTemp(t.TempDir(), tempSpoolPrefix)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			take(t, file.Name())
			if claimTempSpool(file) {
				t.Error("it is used")
			}
		})
	}
}

// What a spool's file costs beside the directory that others fill.
func BenchmarkTempSpool(b *testing.B) {
	for _, others := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(others), func(b *testing.B) {
			dir := b.TempDir()
			b.Setenv("TMPDIR", dir)
			for i := range others {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("other-", i)), nil, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				file, err := createTempSpool()
				if err != nil {
					b.Fatal(err)
				}
				file.Close()
				os.Remove(file.Name())
			}
		})
	}
}
