//go:build linux

package cache_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

const unreadableDir = "BREAKWATER_TEST_UNREADABLE_DIR"

// Where records may not be read, the rest is listed, scrubbed and evicted, and that
// they may not is the error in the end. Root may read all, and has a child do it.
func TestUnreadableRecords(t *testing.T) {
	dir := os.Getenv(unreadableDir)
	if dir == "" {
		dir = t.TempDir()
		fill(t, dir, 20)
		put(t, openDisk(t, dir), "closed/m", "module m\n") // is met before the others
		closed := filepath.Join(dir, ".breakwater", "records", "closed")
		if os.Getuid() == 0 {
			openUp(t, dir)
			if err := os.Chmod(closed, 0o700); err != nil {
				t.Fatal(err)
			}
			asNobody(t, "TestUnreadableRecords", unreadableDir+"="+dir)
			return
		}
		if err := os.Chmod(closed, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(closed, 0o777) })
	}
	d := openDisk(t, dir)
	var keys []string
	err := d.List(t.Context(), func(key string) error {
		keys = append(keys, key)
		return nil
	})
	if len(keys) != 20 || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("List: %v, %v", keys, err)
	}
	report, err := d.Scrub(t.Context(), 0)
	if report.Entries != 20 || report.Damaged != 0 || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Scrub: %+v, %v", report, err)
	}
	bounded, told := openBounded(t, dir, cache.Bounds{MaxFiles: 10})
	for evicted := int64(0); evicted < 11; {
		select {
		case e := <-told:
			if !errors.Is(e.Err, fs.ErrPermission) {
				t.Errorf("told %+v, want why there may be more", e)
			}
			evicted += e.Entries
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody makes room: %d entries are evicted", evicted)
		}
	}
	if keys := left(bounded, 20); len(keys) != 9 || keys[0] != 11 {
		t.Errorf("left: %v", keys)
	}
}

// openUp lets everybody do everything in a directory of tests.
func openUp(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chmod(name, 0o777))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// asNobody runs one test as a user who may do nothing.
func asNobody(t *testing.T, test, env string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self) // where it is, nobody may go
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nobody.test")
	if err := os.WriteFile(file, binary, 0o777); err != nil {
		t.Fatal(err)
	}
	openUp(t, dir)
	child := exec.CommandContext(t.Context(), file, "-test.run=^"+test+"$", "-test.v", "-test.timeout=1m")
	child.Dir = dir
	child.Env = append(os.Environ(), env, "TMPDIR="+dir)
	const nobody = 65534
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := child.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("running as another user takes the right to: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

// Files among the records that are of no key are passed over, and make nobody walk
// for ever to evict them.
func TestRecordsOfNoKey(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 20)
	records := filepath.Join(dir, ".breakwater", "records")
	for _, name := range []string{`a\b,json`, "a\nb,json", ".hidden,json", "no record"} {
		if err := os.WriteFile(filepath.Join(records, name), []byte("{}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, `a\b`), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	d := openDisk(t, dir)
	if keys := listed(t, d); len(keys) != 20 {
		t.Errorf("listed %q", keys)
	}
	if r, err := d.Scrub(t.Context(), 0); err != nil || r != (cache.ScrubReport{Entries: 20, Bytes: 20_000}) {
		t.Errorf("Scrub: %+v, %v", r, err)
	}
	synctest.Test(t, func(t *testing.T) {
		const many = 50
		var walks atomic.Int64
		enough := make(chan struct{})
		d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 10, Retention: func(key string) cache.Retention {
			if key == "m000" && walks.Add(1) > many {
				<-enough
			}
			return cache.Pin
		}})
		synctest.Wait()
		if n := walks.Load(); n > 2 {
			t.Errorf("%d walks through what is pinned", n)
		}
		if d.Stats().Evicted != 0 || len(told) != 0 {
			t.Errorf("evicted: %+v", d.Stats())
		}
		close(enough)
		d.Close()
	})
}

// A scrub removes content that has not fit its record for a while, and leaves a pair
// that somebody may be about to complete.
func TestScrubRemovesPairsThatDoNotFit(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	for _, key := range []string{"old", "whole", "young"} {
		put(t, d, key, "module m\n")
	}
	for _, key := range []string{"old", "young"} {
		if err := os.Truncate(filepath.Join(dir, key), 3); err != nil {
			t.Fatal(err)
		}
	}
	unused(t, dir, "old", 2*time.Hour)
	unused(t, dir, "whole", 2*time.Hour)
	if r, err := d.Scrub(t.Context(), 0); err != nil || r != (cache.ScrubReport{Entries: 1, Bytes: 9, Foreign: 1}) {
		t.Errorf("Scrub: %+v, %v", r, err)
	}
	for key, want := range map[string]bool{"old": false, "whole": true, "young": true} {
		for _, name := range []string{key, fmt.Sprintf(".breakwater/records/%s,json", key)} {
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
				t.Errorf("%s is there: %v, want %v", name, err == nil, want)
			}
		}
	}
}
