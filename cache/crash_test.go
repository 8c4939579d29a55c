package cache_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// crashDir tells a child process where to put entries until it is killed.
const crashDir = "BREAKWATER_TEST_CRASH_DIR"

// crashContent tells its key and version on every line, and its length at the
// beginning: neither half of it nor a mixture passes for whole.
func crashContent(key string, version int) []byte {
	lines := 1 + version*7919%997
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d\n", key, version)
	for i := range lines {
		fmt.Fprintf(&b, "line %d of %d of %s, version %d\n", i, lines, key, version)
	}
	return b.Bytes()
}

// checkCrashContent reports what is wrong with bytes found under key.
func checkCrashContent(key string, got []byte) error {
	var name string
	var version int
	if _, err := fmt.Sscanf(string(got), "%s %d\n", &name, &version); err != nil {
		return fmt.Errorf("%s: no first line: %w", key, err)
	}
	if name != key || !bytes.Equal(got, crashContent(key, version)) {
		return fmt.Errorf("%s: %d bytes that say they are version %d of %s are not", key, len(got), version, name)
	}
	return nil
}

// TestPutUntilKilled is the child. It ends only by being killed, and prints a
// line after each entry.
func TestPutUntilKilled(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("run by TestKill")
	}
	d := openDisk(t, dir)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				// Two workers share each set of keys, and one of the sets is
				// within the directories of the other.
				key := strings.Repeat("m/", worker%2) + fmt.Sprintf("m/@v/v1.%d.0.mod", i%5)
				if err := putOrCommit(d, key, crashContent(key, i), i%2 == 0); err != nil {
					fmt.Println("FAILED", err)
					return
				}
				fmt.Println("STORED", key)
			}
		})
	}
	wg.Wait()
}

func putOrCommit(d *cache.Disk, key string, content []byte, commit bool) error {
	ctx := context.Background()
	if !commit {
		return d.Put(ctx, key, cache.Content{Size: int64(len(content)), Body: bytes.NewReader(content)})
	}
	spool := d.NewSpool(1000)
	defer spool.Close()
	if _, err := spool.Write(content); err != nil {
		return err
	}
	if err := spool.Finish(); err != nil {
		return err
	}
	return cache.Commit(ctx, d, key, spool, cache.Meta{})
}

// TestKill kills a process that writes, over and over, and looks each time at
// what it left: entries are whole, and so is every file that has a name.
func TestKill(t *testing.T) {
	kills := 500
	if testing.Short() {
		kills = 5
	}
	dir := t.TempDir()
	found := 0
	for i := range kills {
		killAfter(t, dir, 1+i*37%60)
		found += checkLeft(t, dir)
	}
	if found == 0 {
		t.Error("no entry was ever found")
	}
	t.Logf("%d kills, %d whole entries, %d temporary files", kills, found, len(files(t, filepath.Join(dir, tempDir))))
}

// killAfter runs the child until it has printed that many lines.
func killAfter(t *testing.T, dir string, lines int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe, "-test.run=^TestPutUntilKilled$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewScanner(out)
	stored := 0
	for stored < lines && read.Scan() {
		if !strings.HasPrefix(read.Text(), "STORED ") {
			t.Errorf("the child says %q", read.Text())
			break
		}
		stored++
	}
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	child.Wait() // says that it was killed
	if stored < lines {
		t.Fatalf("the child ended after %d of %d entries: %v", stored, lines, read.Err())
	}
}

func checkLeft(t *testing.T, dir string) (found int) {
	t.Helper()
	d := openDisk(t, dir)
	defer d.Close()
	for _, key := range files(t, dir) {
		if strings.HasPrefix(key, path.Dir(tempDir)+"/") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
		if err == nil {
			err = checkCrashContent(key, raw)
		}
		if err != nil {
			t.Errorf("a file that has a name: %v", err)
		}
		e, err := d.Get(t.Context(), key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(e.Body)
		e.Body.Close()
		if err == nil {
			err = checkCrashContent(key, got)
		}
		if err != nil {
			t.Errorf("an entry: %v", err)
		}
		wantContent(t, d, key, string(got)) // its digest, too
		found++
	}
	return found
}
