package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

const headKey = "sumdb/sum.example/latest"

func swap(s cache.Store, old, next []byte) error {
	return cache.Swap(context.Background(), s, headKey, old, next, cache.Meta{Origin: "sum.example"})
}

// count raises the number in an entry by one, n times, against all others who
// do the same.
func count(s cache.Store, n int) error {
	for range n {
		for {
			old, _, err := cache.ReadSmall(context.Background(), s, headKey)
			value := 0
			switch {
			case errors.Is(err, fs.ErrNotExist):
				old = nil // or somebody is between two renames, which Swap finds out
			case err != nil:
				return err
			default:
				if value, err = strconv.Atoi(string(old)); err != nil {
					return err
				}
			}
			err = swap(s, old, strconv.AppendInt(nil, int64(value+1), 10))
			if err == nil {
				break
			}
			if !errors.Is(err, cache.ErrConflict) {
				return err
			}
		}
	}
	return nil
}

// Of several who swap at once exactly one succeeds, whichever way they share
// the store: no count is lost, and what is found afterwards is the last one.
func TestSwapAtOnce(t *testing.T) {
	const workers, rounds = 4, 25
	memory := func() cache.Store { return cache.NewMemory(nil) }
	for name, stores := range map[string]func(t *testing.T) []cache.Store{
		"memory": func(*testing.T) []cache.Store { return []cache.Store{memory()} },
		"disk":   func(t *testing.T) []cache.Store { return []cache.Store{openDisk(t, t.TempDir())} },
		"layered": func(t *testing.T) []cache.Store {
			return []cache.Store{cache.Layered(memory(), openDisk(t, t.TempDir()))}
		},
		"two disks on one directory": func(t *testing.T) []cache.Store {
			dir := t.TempDir()
			return []cache.Store{openDisk(t, dir), openDisk(t, dir)}
		},
		"layered and disk on one directory": func(t *testing.T) []cache.Store {
			dir := t.TempDir()
			return []cache.Store{openDisk(t, dir), cache.Layered(memory(), openDisk(t, dir))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := stores(t)
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					if err := count(all[i%len(all)], rounds); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			wantContent(t, all[0], headKey, strconv.Itoa(workers*rounds))
		})
	}
}

// Two swaps at once, of which the first is the later to reach the fast store:
// that must not hide what the second stored.
func TestLayeredSwapIsOvertaken(t *testing.T) {
	slow := &overtakenSwap{Disk: openDisk(t, t.TempDir())}
	s := cache.Layered(cache.NewMemory(nil), slow)
	slow.overtake = func() {
		if err := swap(s, []byte("1"), []byte("2")); err != nil {
			t.Error(err)
		}
	}
	if err := swap(s, nil, []byte("1")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, headKey, "2")
}

// overtakenSwap is a store whose Swap returns only after another one.
type overtakenSwap struct {
	*cache.Disk
	overtake func()
}

func (o *overtakenSwap) Swap(ctx context.Context, key string, old, next []byte, meta cache.Meta) error {
	err := o.Disk.Swap(ctx, key, old, next, meta)
	if overtake := o.overtake; overtake != nil {
		o.overtake = nil
		overtake()
	}
	return err
}

// What a fast store has may be older than what another process has stored: after
// a conflict it does not hide that any more.
func TestLayeredSwapConflict(t *testing.T) {
	dir := t.TempDir()
	s, other := cache.Layered(cache.NewMemory(nil), openDisk(t, dir)), openDisk(t, dir)
	if err := swap(s, nil, []byte("1")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, headKey, "1")
	if err := swap(other, []byte("1"), []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := swap(s, []byte("1"), []byte("3")); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("want a conflict: %v", err)
	}
	wantContent(t, s, headKey, "2")
}

// What was damaged on disk is a miss, which a Swap that expects none replaces.
func TestSwapOfDamagedEntry(t *testing.T) {
	d := openDisk(t, t.TempDir())
	if err := swap(d, nil, []byte("right")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(d.Dir(), filepath.FromSlash(headKey))
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(name, []byte("wrong"), 0o666), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if content, _, err := cache.ReadSmall(t.Context(), d, headKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read %q, %v", content, err)
	}
	if err := swap(d, []byte("right"), []byte("next")); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("want a conflict: %v", err)
	}
	if err := swap(d, nil, []byte("next")); err != nil {
		t.Error(err)
	}
	wantContent(t, d, headKey, "next")
}

// swapDir tells a child process where to count.
const swapDir = "BREAKWATER_TEST_SWAP_DIR"

const childRounds = 50

// TestSwapInChild is the child. It says when it begins, and ends by itself.
func TestSwapInChild(t *testing.T) {
	dir := os.Getenv(swapDir)
	if dir == "" {
		t.Skip("run by TestSwapAcrossProcesses")
	}
	fmt.Println("COUNTING")
	if err := count(openDisk(t, dir), childRounds); err != nil {
		t.Error(err)
	}
}

func TestSwapAcrossProcesses(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var children []*exec.Cmd
	for range 2 {
		child := exec.CommandContext(t.Context(), exe, "-test.run=^TestSwapInChild$")
		child.Env = append(os.Environ(), swapDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "COUNTING\n" {
			t.Errorf("the child says %q, %v", line, err)
		}
		children = append(children, child)
	}
	d := openDisk(t, dir)
	if err := count(d, childRounds); err != nil {
		t.Error(err)
	}
	for _, child := range children {
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	}
	wantContent(t, d, headKey, strconv.Itoa(3*childRounds))
}
