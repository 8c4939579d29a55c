package cache_test

import (
	"context"
	"io"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// plain hides what a store can do beyond Get, Put and Delete.
type plain struct{ cache.Deleter }

// unlocked hides a lock that is none, for no layer has one, and a list likewise.
type unlocked struct{ able }

// flushed does not hide that writes wait.
type flushed struct {
	unlocked
	cache.Bounded
	cache.Lister
	cache.Flusher
}

func newFlushed(s cache.Store) cache.Store {
	return flushed{unlocked{s.(able)}, s.(cache.Bounded), s.(cache.Lister), s.(cache.Flusher)}
}

func (f flushed) Get(ctx context.Context, key string) (*cache.Entry, error) {
	return f.able.Get(ctx, key)
}

func (f flushed) Put(ctx context.Context, key string, c cache.Content) error {
	return f.able.Put(ctx, key, c)
}

func (f flushed) Close() error { return f.able.(io.Closer).Close() }

type able interface {
	cache.Mover
	cache.Deleter
	cache.Spooler
	cache.Swapper
}

func TestConformance(t *testing.T) {
	memory := func(maxBytes int64) cache.Store {
		return cache.NewMemory(&cache.MemoryOptions{MaxBytes: maxBytes})
	}
	disk := func(t *testing.T) cache.Store { return openDisk(t, t.TempDir()) }
	only := func(s cache.Store) cache.Store { return plain{s.(cache.Deleter)} }
	for name, newStore := range map[string]func(*testing.T) cache.Store{
		"memory":                 func(*testing.T) cache.Store { return memory(0) },
		"disk":                   disk,
		"memory over disk":       func(t *testing.T) cache.Store { return cache.Layered(memory(0), disk(t)) },
		"small memory over disk": func(t *testing.T) cache.Store { return cache.Layered(memory(16<<10), disk(t)) },
		"disk over disk":         func(t *testing.T) cache.Store { return cache.Layered(disk(t), disk(t)) },
		"three layers": func(t *testing.T) cache.Store {
			return cache.Layered(memory(64<<10), memory(0), disk(t))
		},
		"layers in layers": func(t *testing.T) cache.Store {
			return cache.Layered(cache.Layered(memory(0), disk(t)), disk(t))
		},
		"gate over disk":         func(t *testing.T) cache.Store { return cache.Gate(disk(t), nil) },
		"memory over a gate":     func(t *testing.T) cache.Store { return cache.Layered(memory(0), cache.Gate(disk(t), nil)) },
		"over a read-only":       func(t *testing.T) cache.Store { return cache.Layered(memory(0), disk(t), readOnly(t, t.TempDir())) },
		"disk over read-only":    func(t *testing.T) cache.Store { return cache.Layered(disk(t), readOnly(t, t.TempDir())) },
		"a read-only on top":     func(t *testing.T) cache.Store { return cache.Layered(readOnly(t, t.TempDir()), disk(t)) },
		"write-back over disk":   func(t *testing.T) cache.Store { return cache.WriteBack(disk(t), nil) },
		"write-back over memory": func(*testing.T) cache.Store { return newFlushed(cache.WriteBack(memory(0), nil)) },
		"memory over a write-back over disk": func(t *testing.T) cache.Store {
			return cache.Layered(memory(0), cache.WriteBack(disk(t), nil))
		},
		"small memory over a gate over a write-back": func(t *testing.T) cache.Store {
			return cache.Layered(memory(16<<10), cache.Gate(cache.WriteBack(disk(t), nil), nil))
		},
		"write-back over a gate": func(t *testing.T) cache.Store { return cache.WriteBack(cache.Gate(disk(t), nil), nil) },
		"gate over plain":        func(t *testing.T) cache.Store { return unlocked{cache.Gate(only(disk(t)), nil).(able)} },
		"write-back over plain":  func(*testing.T) cache.Store { return unlocked{cache.WriteBack(only(memory(0)), nil).(able)} },
		"plain over plain": func(t *testing.T) cache.Store {
			return unlocked{cache.Layered(only(memory(0)), only(disk(t))).(able)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := cachetest.Test(func() (cache.Store, error) { return newStore(t), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
}
