package cache

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// plainDisk opens a store with no bounds.
func plainDisk(t *testing.T, dir string) *Disk {
	t.Helper()
	d, err := OpenDisk(dir, &DiskOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func short(content string) Content {
	return Content{Size: int64(len(content)), Body: strings.NewReader(content)}
}

// holds reports whether the entry under key has that content.
func holds(d *Disk, key, content string) bool {
	e, err := d.Get(context.Background(), key)
	if err != nil {
		return false
	}
	defer e.Body.Close()
	got, err := io.ReadAll(e.Body)
	return err == nil && string(got) == content
}

// A process that is stopped while it changes an entry keeps others waiting for a
// moment, and no longer than their contexts.
func TestChangeWaitsForAStoppedProcess(t *testing.T) {
	for name, way := range map[string]func(*Disk){"as the system can": func(*Disk) {}, "by files": (*Disk).LockByFiles} {
		dir := t.TempDir()
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { changeBesideAStopped(t, dir, way) })
		})
	}
}

func changeBesideAStopped(t *testing.T, dir string, way func(*Disk)) {
	stopped, d := plainDisk(t, dir), plainDisk(t, dir)
	way(stopped)
	way(d)
	done, err := stopped.beginChange(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	begun := time.Now()
	if err := d.Put(t.Context(), "m", short("content")); err != nil || !holds(d, "m", "content") {
		t.Errorf("Put: %v", err)
	}
	if waited := time.Since(begun); waited > time.Second || locksWork && waited == 0 {
		t.Errorf("Put waited for %v", waited)
	}
	if !locksWork {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), changeWait/2)
	defer cancel()
	if err := d.Delete(ctx, "m"); !errors.Is(err, context.DeadlineExceeded) || !holds(d, "m", "content") {
		t.Errorf("Delete: %v", err)
	}
}

// The files of locks whose holders died in a change go when a store is opened; one
// that is held stays.
func TestDeadChangesGo(t *testing.T) {
	if !locksWork {
		t.Skip("a dead process cannot be told from a living one")
	}
	dir := t.TempDir()
	d := plainDisk(t, dir)
	d.LockByFiles()
	done, err := d.beginChange(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	changes := filepath.Join(dir, filepath.FromSlash(changeDir))
	if err := os.WriteFile(filepath.Join(changes, "dead"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	opened := func(want int) {
		plainDisk(t, dir)
		if left, err := os.ReadDir(changes); len(left) != want || err != nil {
			t.Errorf("left: %v, %v; want %d", left, err, want)
		}
	}
	opened(1)
	done()
	opened(0)
}
