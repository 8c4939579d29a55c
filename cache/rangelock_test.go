package cache_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// rangesIn is the file whose bytes are the locks.
func rangesIn(dir string) string { return filepath.Join(dir, ".breakwater", "ranges") }

// losses take the locks' file from under those who use it.
var losses = map[string]func(dir string) error{
	"file removed":         func(dir string) error { return os.Remove(rangesIn(dir)) },
	"file moved away":      func(dir string) error { return movedAway(rangesIn(dir)) },
	"own part removed":     func(dir string) error { return os.RemoveAll(filepath.Join(dir, ".breakwater")) },
	"own part moved away":  func(dir string) error { return movedAway(filepath.Join(dir, ".breakwater")) },
	"directory emptied":    emptied,
	"directory removed":    os.RemoveAll,
	"directory moved away": movedAway,
	"file replaced": func(dir string) error {
		return errors.Join(movedAway(rangesIn(dir)), os.WriteFile(rangesIn(dir), nil, 0o666))
	},
	"file replaced by what was there before": func(dir string) error {
		return errors.Join(movedAway(rangesIn(dir)), os.WriteFile(rangesIn(dir), nil, 0o666), os.Rename(rangesIn(dir)+".old", rangesIn(dir)))
	},
}

func skipWithoutRanges(t *testing.T) {
	if !cache.RangesWork {
		t.Skip("bytes cannot be locked for an open file")
	}
}

// While locks are held, and while entries are stored, there is no file for each.
func TestLockMakesNoFile(t *testing.T) {
	skipWithoutRanges(t)
	dir := t.TempDir()
	d := openDisk(t, dir)
	before := tree(t, filepath.Join(dir, ".breakwater"))
	defer mustLock(t, d)()
	if diff := cmp.Diff(before, tree(t, filepath.Join(dir, ".breakwater"))); diff != "" {
		t.Errorf("the store's own part (-before +while locked):\n%s", diff)
	}
	changes := filepath.Join(dir, ".breakwater", "changes")
	idle := tree(t, changes) // with the time of the directory's last change
	put(t, d, modKey, "module m\n")
	if diff := cmp.Diff(idle, tree(t, changes)); diff != "" {
		t.Errorf("locks of changes (-before +after):\n%s", diff)
	}
}

// Two that had the locks' file open when it was taken away come together again, and so
// does one that comes later. Each still keeps itself out.
func TestLockFileIsTakenAway(t *testing.T) {
	skipWithoutRanges(t)
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			a, b := openDisk(t, dir), openDisk(t, dir)
			mustLock(t, a)()
			mustLock(t, b)()
			if err := lose(dir); err != nil {
				t.Fatal(err)
			}
			unlock := mustLock(t, a)
			wantLocked(t, b)
			wantLocked(t, a)
			later := openDisk(t, dir)
			wantLocked(t, later)
			unlock()
			unlock = mustLock(t, later)
			wantLocked(t, a)
			wantLocked(t, b)
			unlock()
			mustLock(t, b)()
		})
	}
}

// Who comes together again does so within the process, too: of many that find the
// file gone, one at a time is inside. Of the files that were taken away none stays
// open.
func TestLockFileIsTakenAwayAmongMany(t *testing.T) {
	skipWithoutRanges(t)
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			inside, dir := t.TempDir(), filepath.Join(t.TempDir(), "cache")
			a, b := openDisk(t, dir), openDisk(t, dir)
			enterMany(t, inside, a, b)
			for range 3 {
				if err := errors.Join(lose(dir), os.RemoveAll(dir+".old")); err != nil {
					t.Fatal(err)
				}
				os.RemoveAll(rangesIn(dir) + ".old")
				os.RemoveAll(filepath.Join(dir, ".breakwater.old"))
				enterMany(t, inside, a, b)
			}
			if err := errors.Join(a.Close(), b.Close()); err != nil {
				t.Error(err)
			}
			wantNothingOpen(t, dir, "ranges")
		})
	}
}

// A lock that is held when its file goes ends nobody's wait but in the new one: who
// waits for it goes there.
func TestWaiterFollowsTheLockFile(t *testing.T) {
	skipWithoutRanges(t)
	base := t.TempDir()
	for name, lose := range map[string]func(dir string) error{"emptied": emptied, "moved away": movedAway} {
		dir := filepath.Join(base, name)
		synctest.Test(t, func(t *testing.T) {
			held, other := openDisk(t, dir), openDisk(t, dir)
			unlockGone := mustLock(t, held)
			for _, d := range []*cache.Disk{held, other} {
				var wait sync.WaitGroup
				wait.Go(func() {
					unlock, err := d.Lock(t.Context(), modKey)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					unlock()
				})
				synctest.Wait()
				if err := lose(dir); err != nil {
					t.Fatal(err)
				}
				wait.Wait()
				os.RemoveAll(dir + ".old")
			}
			unlockGone()
		})
	}
}

// The lock of a goroutine goes to the next as soon as it is free, and of one that
// gives up, to nobody. Who holds it may store the entry meanwhile.
func TestLockTurnsWithinTheProcess(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d := openDisk(t, dir)
		unlock := mustLock(t, d)
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		ended, next := make(chan error, 1), make(chan error, 1)
		go func() { _, err := d.Lock(ctx, modKey); ended <- err }()
		synctest.Wait()
		cancel(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("%v, want the context's cause", err)
		}
		go func() {
			free, err := d.Lock(t.Context(), modKey)
			if err == nil {
				free()
			}
			next <- err
		}()
		synctest.Wait()
		begun := time.Now()
		put(t, d, modKey, "module m\n")
		unlock()
		unlock() // ends nobody else's
		if err := <-next; err != nil {
			t.Error(err)
		}
		mustLock(t, d)()
		if waited := time.Since(begun); cache.RangesWork && waited > 0 {
			t.Errorf("waited for %v after it was free", waited)
		}
	})
}

// What is locked when its store is closed stays so until it is unlocked, and then
// nothing is open. Who locks later hears that it is closed.
func TestCloseWithALock(t *testing.T) {
	dir := t.TempDir()
	d, other := openDisk(t, dir), openDisk(t, dir)
	unlock := mustLock(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantLocked(t, other)
	if _, err := d.Lock(t.Context(), "else"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Lock after Close: %v", err)
	}
	unlock()
	mustLock(t, other)()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	wantNothingOpen(t, dir, "")
}

// wantNothingOpen wants this process to have no file below dir open whose name has
// that in it.
func wantNothingOpen(t *testing.T, dir, part string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // there is no list of what is open
	}
	var open []string
	for _, fd := range readNames(t, "/proc/self/fd") {
		name, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name()))
		if rel, ok := filepath.Rel(dir, name); err == nil && ok == nil && filepath.IsLocal(rel) && strings.Contains(rel, part) {
			open = append(open, rel)
		}
	}
	if diff := cmp.Diff([]string(nil), open); diff != "" {
		t.Errorf("open after Close (-want +got):\n%s", diff)
	}
}

// A file that is another user's, who does not let us, is no reason not to open the
// store: then each lock is a file.
func TestLockFileOfAnotherUser(t *testing.T) {
	skipWithoutRanges(t)
	if os.Getuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	dir := t.TempDir()
	openDisk(t, dir).Close()
	if err := os.Chmod(rangesIn(dir), 0o444); err != nil {
		t.Fatal(err)
	}
	a, b := openDisk(t, dir), openDisk(t, dir)
	unlock := mustLock(t, a)
	wantLocked(t, b)
	unlock()
	mustLock(t, b)()
}
