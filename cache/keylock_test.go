package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// These tell a child process where to hold locks, and which of waysToLock.
const (
	lockDir = "BREAKWATER_TEST_LOCK_DIR"
	lockWay = "BREAKWATER_TEST_LOCK_WAY"
)

// waysToLock are the store's own, and that of where bytes cannot be locked.
var waysToLock = map[string]func(*cache.Disk){
	"as the system can": func(*cache.Disk) {},
	"by files":          (*cache.Disk).LockByFiles,
}

// openLocker opens a store that locks that way.
func openLocker(t *testing.T, dir string, way func(*cache.Disk)) *cache.Disk {
	t.Helper()
	d := openDisk(t, dir)
	way(d)
	return d
}

// enter is inside of a key's lock for as long as a file is, which two cannot make.
func enter(d *cache.Disk, dir, key string) error {
	unlock, err := d.Lock(context.Background(), key)
	if err != nil {
		return err
	}
	defer unlock()
	inside := filepath.Join(dir, "inside-"+key)
	file, err := os.OpenFile(inside, os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("somebody else is inside: %w", err)
	}
	return errors.Join(file.Close(), os.Remove(inside))
}

// enterMany has goroutines take the locks of some keys, over and over.
func enterMany(t *testing.T, dir string, stores ...*cache.Disk) {
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for round := range 10 {
				if err := enter(stores[i%len(stores)], dir, fmt.Sprint("k", (i+round)%3)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestHoldLocks is the child: it enters as others do, then holds a lock and has
// a temporary file until it is killed.
func TestHoldLocks(t *testing.T) {
	dir := os.Getenv(lockDir)
	if dir == "" {
		t.Skip("run by the tests of locks and owners")
	}
	d := openLocker(t, dir, waysToLock[os.Getenv(lockWay)])
	enterMany(t, dir, d)
	if _, err := d.Lock(t.Context(), "held"); err != nil {
		t.Fatal(err)
	}
	write(t, d.NewSpool(0), "half a down")
	fmt.Println("HOLDING")
	io.Copy(io.Discard, os.Stdin) // until it is killed; with nothing to wait for, the runtime would end it
}

// holder runs the child until it holds; kill returns when it is dead.
func holder(t *testing.T, dir, way string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe, "-test.run=^TestHoldLocks$")
	child.Env = append(os.Environ(), lockDir+"="+dir, lockWay+"="+way)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { in.Close(); child.Process.Kill(); child.Wait() })
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "HOLDING") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return kill
}

// Two stores and two processes: never two inside. What a killed process held is
// free, and no lock's file is left.
func TestLockAcrossProcesses(t *testing.T) {
	for name, way := range waysToLock {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a, b := openLocker(t, dir, way), openLocker(t, dir, way)
			var kill func()
			var wg sync.WaitGroup
			wg.Go(func() { enterMany(t, dir, a, b) })
			kill = holder(t, dir, name)
			wg.Wait()

			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := a.Lock(ctx, "held"); err == nil {
				t.Error("took a lock that another process holds")
			}
			kill()
			unlock, err := a.Lock(t.Context(), "held")
			if err != nil {
				t.Fatal(err)
			}
			unlock()
			wantFiles(t, filepath.Join(dir, ".breakwater", "locks"))
		})
	}
}

// What a killed process left goes at the next open, what a living one has stays.
func TestLeftoversOfTheDead(t *testing.T) {
	dir := t.TempDir()
	living := openDisk(t, dir)
	spool := living.NewSpool(0)
	defer spool.Close()
	write(t, spool, "half")
	temps := func() int { return len(files(t, filepath.Join(dir, tempDir))) }
	owners := func() int { return len(readNames(t, filepath.Join(dir, ".breakwater", "owners"))) }

	kill := holder(t, dir, "as the system can")
	openDisk(t, dir).Close()
	if temps() != 2 || owners() != 2 {
		t.Errorf("%d temporary files of %d owners, want those of two that live", temps(), owners())
	}
	kill()
	other := openDisk(t, dir)
	if temps() != 1 || owners() != 2 {
		t.Errorf("%d temporary files of %d owners after one was killed", temps(), owners())
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := cache.Commit(t.Context(), living, modKey, spool, cache.Meta{}); err != nil {
		t.Errorf("what a living one writes was taken away: %v", err)
	}
	if err := errors.Join(living.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if owners() != 0 {
		t.Errorf("%d claims are left after Close", owners())
	}
}

// A claim that cannot be looked at may be somebody's.
func TestUnreadableClaim(t *testing.T) {
	dir := t.TempDir()
	openDisk(t, dir).Close()
	claim := filepath.Join(dir, ".breakwater", "owners", "SOMEBODY") // a directory cannot be opened to write
	temp := filepath.Join(dir, tempDir, "put-SOMEBODY-1")
	if err := errors.Join(os.Mkdir(claim, 0o777), os.WriteFile(temp, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	openDisk(t, dir)
	if _, err := os.Stat(temp); err != nil {
		t.Error(err)
	}
	if err := os.Remove(claim); err != nil {
		t.Fatal(err)
	}
	openDisk(t, dir)
	if _, err := os.Stat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

func readNames(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The file of a lock whose holder has died goes when a store is opened; one that is
// held stays.
func TestDeadLocksGo(t *testing.T) {
	dir := t.TempDir()
	kill := holder(t, dir, "by files")
	before := len(readNames(t, filepath.Join(dir, ".breakwater", "locks")))
	openDisk(t, dir)
	if n := len(readNames(t, filepath.Join(dir, ".breakwater", "locks"))); before == 0 || n != before {
		t.Errorf("%d locks are held, and %d were before", n, before)
	}
	kill()
	openDisk(t, dir)
	if names := readNames(t, filepath.Join(dir, ".breakwater", "locks")); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
}

// Who unlocks after the directory was removed, or moved away, leaves the lock of
// whoever has it in the new one.
func TestUnlockOfALockThatIsGone(t *testing.T) {
	for how, lose := range map[string]func(dir string) error{
		"removed":    os.RemoveAll,
		"moved away": movedAway,
	} {
		for name, way := range waysToLock {
			t.Run(how+", "+name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				d := openLocker(t, dir, way)
				unlockGone := mustLock(t, d)
				if err := lose(dir); err != nil {
					t.Fatal(err)
				}
				put(t, d, modKey, "module m\n") // makes it anew
				way(d)
				unlock := mustLock(t, d)
				unlockGone()
				wantLocked(t, d)
				unlock()
				mustLock(t, d)()
				wantFiles(t, filepath.Join(dir, ".breakwater", "locks"))
			})
		}
	}
}

func mustLock(t *testing.T, d *cache.Disk) (unlock func()) {
	t.Helper()
	unlock, err := d.Lock(t.Context(), modKey)
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

// wantLocked wants the lock to be somebody else's.
func wantLocked(t *testing.T, d *cache.Disk) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if unlock, err := d.Lock(ended, modKey); !errors.Is(err, context.Canceled) {
		t.Errorf("took a lock that another has: %v", err)
		if err == nil {
			unlock()
		}
	}
}
