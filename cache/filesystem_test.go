package cache_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// below returns the directories whose file systems are told.
func below(t *testing.T, s cache.Store) (dirs []string, err error) {
	t.Helper()
	all, err := cache.FileSystemsOf(t.Context(), s)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	for _, one := range all {
		if one.Total <= 0 || one.Free < 0 || one.Free > one.Total {
			t.Errorf("%+v", one)
		}
		dirs = append(dirs, one.Dir)
	}
	return dirs, err
}

// Each layer that is in a file system has it told, through every wrapper.
func TestFileSystemsOf(t *testing.T) {
	memory := cache.NewMemory(nil)
	one, other := openDisk(t, t.TempDir()), openDisk(t, t.TempDir())
	fixedDir := t.TempDir()
	fixed := readOnly(t, fixedDir)
	tests := []struct {
		name  string
		store cache.Store
		want  []string
	}{
		{"none", nil, nil},
		{"memory", memory, nil},
		{"disk", one, []string{one.Dir()}},
		{"read-only", fixed, []string{fixedDir}},
		{"gate", cache.Gate(one, nil), []string{one.Dir()}},
		{"gate before memory", cache.Gate(memory, nil), nil},
		{"write-back", cache.WriteBack(one, nil), []string{one.Dir()}},
		{"layers", cache.Layered(memory, fixed, one, cache.Gate(other, nil)), []string{one.Dir(), other.Dir(), fixedDir}},
		{"an embedder's own", plain{one}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := below(t, test.store)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

// What is known of one layer is told beside why it is not of another.
func TestFileSystemOfWhatIsGone(t *testing.T) {
	gone, there := openDisk(t, t.TempDir()), openDisk(t, t.TempDir())
	if err := os.RemoveAll(gone.Dir()); err != nil {
		t.Fatal(err)
	}
	got, err := below(t, cache.Layered(gone, there))
	if diff := cmp.Diff([]string{there.Dir()}, got); diff != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v; directories (-want +got):\n%s", err, diff)
	}
	put(t, gone, modKey, "content")
	if _, err := gone.FileSystem(); err != nil {
		t.Errorf("when something is stored again: %v", err)
	}
}

// sited hangs, or fails, when it is asked for its file system.
type sited struct {
	cache.Store
	takes atomic.Int64 // nanoseconds
	err   error
	asked atomic.Int64
}

func (s *sited) FileSystems(context.Context) ([]cache.FileSystem, error) {
	s.asked.Add(1)
	time.Sleep(time.Duration(s.takes.Load()))
	return nil, s.err
}

// Behind a gate it is not waited for longer than a Get; a store that hangs in it is
// left alone, and not tried by it when the pause is over.
func TestFileSystemsBehindGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sited{Store: cache.NewMemory(nil)}
		s.takes.Store(int64(time.Minute))
		g := cache.Gate(s, nil)
		begun := time.Now()
		for range 3 {
			if _, err := cache.FileSystemsOf(t.Context(), g); err == nil || errors.Is(err, cache.ErrGated) {
				t.Errorf("one that hangs: %v", err)
			}
		}
		for range 2 {
			if _, err := cache.FileSystemsOf(t.Context(), g); !errors.Is(err, cache.ErrGated) {
				t.Errorf("one that is left alone: %v", err)
			}
			if took := time.Since(begun).Truncate(time.Minute); took != 0 || s.asked.Load() != 3 {
				t.Errorf("asked %d times in %v", s.asked.Load(), took)
			}
			time.Sleep(10 * time.Second)
		}
		s.takes.Store(0)
		wantMiss(t, g, modKey) // it tries
		if _, err := cache.FileSystemsOf(t.Context(), g); err != nil || s.asked.Load() != 4 {
			t.Errorf("one that is well again, asked %d times: %v", s.asked.Load(), err)
		}
		closeStore(t, g)
	})
}

// A failure is handed on, and is none of the store's.
func TestFailingFileSystemBehindGate(t *testing.T) {
	s := &sited{Store: cache.NewMemory(nil), err: errors.ErrUnsupported}
	g := cache.Gate(s, nil)
	for range 5 {
		if _, err := cache.FileSystemsOf(t.Context(), g); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("error %v", err)
		}
	}
	if err := cache.Ping(t.Context(), g); err != nil {
		t.Error(err)
	}
	closeStore(t, g)
}

func TestFileSystemsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		s := &sited{Store: cache.NewMemory(nil)}
		s.takes.Store(int64(time.Hour))
		g := cache.Gate(s, nil)
		begun := time.Now()
		_, err := cache.FileSystemsOf(ctx, g)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		closeStore(t, g)
	})
}
