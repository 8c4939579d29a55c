package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// lasting are the stores that have what they were given when they are opened
// again: each keeps it in dir.
func lasting() map[string]func(t *testing.T, dir string, bounds cache.Bounds) cache.Store {
	disk := func(t *testing.T, dir string, b cache.Bounds) cache.Store {
		d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true, Bounds: b})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	memory := func() cache.Store { return cache.NewMemory(&cache.MemoryOptions{MaxBytes: 512 << 10}) }
	patient := &cache.WriteBackOptions{Entries: 1 << 20}
	return map[string]func(*testing.T, string, cache.Bounds) cache.Store{
		"disk": disk,
		"memory over disk": func(t *testing.T, dir string, b cache.Bounds) cache.Store {
			b.MaxBytes /= 2 // memory has the other half
			return cache.Layered(memory(), disk(t, dir, b))
		},
		"write-back over disk": func(t *testing.T, dir string, b cache.Bounds) cache.Store {
			return cache.WriteBack(disk(t, dir, b), patient)
		},
		"gate over disk": func(t *testing.T, dir string, b cache.Bounds) cache.Store {
			return cache.Gate(disk(t, dir, b), nil)
		},
		"memory over a gate over a write-back": func(t *testing.T, dir string, b cache.Bounds) cache.Store {
			b.MaxBytes /= 2
			return cache.Layered(memory(), cache.Gate(cache.WriteBack(disk(t, dir, b), patient), nil))
		},
		"a read-only on top": func(t *testing.T, dir string, b cache.Bounds) cache.Store {
			return cache.Layered(readOnly(t, t.TempDir()), disk(t, dir, b))
		},
	}
}

func TestReopen(t *testing.T) {
	for name, open := range lasting() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := cachetest.TestReopen(func() (cache.Store, error) { return open(t, dir, cache.Bounds{}), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	for name, open := range lasting() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := cachetest.TestDamage(
				func() (cache.Store, error) { return open(t, dir, cache.Bounds{}), nil },
				func(key string, how cachetest.Damage) error { return damageFile(t, filepath.Join(dir, key), how) })
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func damageFile(t *testing.T, file string, how cachetest.Damage) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	switch how {
	case cachetest.Flipped:
		quietly(t, file, flip)
		return nil
	case cachetest.Cut:
		return os.Truncate(file, info.Size()/2)
	case cachetest.Emptied:
		return os.Truncate(file, 0)
	case cachetest.Removed:
		return os.Remove(file)
	}
	return fmt.Errorf("unknown damage %q", how)
}

func TestBounds(t *testing.T) {
	stores := map[string]func(maxBytes int64) cache.Store{
		"memory": func(maxBytes int64) cache.Store {
			return cache.NewMemory(&cache.MemoryOptions{MaxBytes: maxBytes})
		},
		"plain": func(maxBytes int64) cache.Store {
			return plain{cache.NewMemory(&cache.MemoryOptions{MaxBytes: maxBytes}).(cache.Deleter)}
		},
	}
	for name, open := range lasting() {
		stores[name] = func(maxBytes int64) cache.Store {
			return open(t, t.TempDir(), cache.Bounds{MaxBytes: maxBytes})
		}
	}
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			err := cachetest.TestBounds(func(maxBytes int64) (cache.Store, error) { return newStore(maxBytes), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// What the table in the package's documentation says of who can do what.
func TestAbilities(t *testing.T) {
	memory := func() cache.Store { return cache.NewMemory(nil) }
	shipped := t.TempDir()
	put(t, openDisk(t, shipped), modKey, "content")
	disk := func() cache.Store { return openDisk(t, t.TempDir()) }
	for name, test := range map[string]struct {
		store cache.Store
		want  string
	}{
		"memory":                   {memory(), "list delete swap"},
		"disk":                     {disk(), "list delete lock swap"},
		"read-only":                {readOnly(t, shipped), "list"},
		"layered":                  {cache.Layered(memory(), disk()), "list delete lock swap"},
		"layered over a read-only": {cache.Layered(disk(), readOnly(t, t.TempDir())), "list delete lock swap"},
		"gate":                     {cache.Gate(disk(), nil), "list delete lock swap"},
		"gate over memory":         {cache.Gate(memory(), nil), "list delete swap"},
		"gate over a read-only":    {cache.Gate(readOnly(t, shipped), nil), "list"},
		"write-back":               {cache.WriteBack(disk(), nil), "list delete lock swap"},
		"write-back over memory":   {cache.WriteBack(memory(), nil), "list delete swap"},
		"write-back, read-only":    {cache.WriteBack(readOnly(t, shipped), nil), "list"},
	} {
		t.Run(name, func(t *testing.T) {
			if !stored(test.store, modKey) {
				put(t, test.store, modKey, "content")
			}
			if diff := cmp.Diff(test.want, abilities(t, test.store)); diff != "" {
				t.Errorf("it can (-want +got):\n%s", diff)
			}
		})
	}
}

// abilities tries what s can do with the entry under modKey.
func abilities(t *testing.T, s cache.Store) string {
	t.Helper()
	var can []string
	if l, ok := s.(cache.Lister); ok {
		listed := false
		err := l.List(t.Context(), func(string) error { listed = true; return nil })
		if err != nil {
			t.Error(err)
		}
		if listed {
			can = append(can, "list")
		}
	}
	if _, err := cache.Delete(t.Context(), s, modKey); err == nil && !stored(s, modKey) {
		can = append(can, "delete")
	}
	if locks(t, s) {
		can = append(can, "lock")
	}
	if swap(s, nil, []byte("1")) == nil && errors.Is(swap(s, nil, []byte("2")), cache.ErrConflict) {
		can = append(can, "swap")
	}
	return strings.Join(can, " ")
}

// locks reports whether a lock keeps others out.
func locks(t *testing.T, s cache.Store) bool {
	unlock, err := cache.Lock(t.Context(), s, modKey)
	if err != nil {
		t.Error(err)
		return false
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	second, err := cache.Lock(ctx, s, modKey)
	if err == nil {
		second()
	}
	return err != nil
}
