package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// answering is a store whose Get says always the same.
type answering struct {
	cache.Store
	err    error
	closed bool
}

type closingBody struct {
	cache.Body
	closed *bool
}

func (b closingBody) Close() error { *b.closed = true; return nil }

func (s *answering) Get(context.Context, string) (*cache.Entry, error) {
	if s.err != nil {
		return nil, s.err
	}
	return &cache.Entry{Body: closingBody{cache.NewBody(nil), &s.closed}}, nil
}

// A plain miss is what a store that is well answers; whatever else is a failure.
func TestPing(t *testing.T) {
	broken := errors.New("stale file handle")
	saying := func(err error) cache.Store { return &answering{err: err} }
	memory := cache.NewMemory(nil)
	closed := openDisk(t, t.TempDir())
	closed.Close()
	removed := openDisk(t, t.TempDir())
	if err := os.RemoveAll(removed.Dir()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		store cache.Store
		want  error
	}{
		{"memory", memory, nil},
		{"disk", openDisk(t, t.TempDir()), nil},
		{"read-only", readOnly(t, t.TempDir()), nil},
		{"memory over disk", cache.Layered(memory, openDisk(t, t.TempDir())), nil},
		{"no layers", cache.Layered(), nil},
		{"gate", cache.Gate(memory, nil), nil},
		{"write-back", cache.WriteBack(memory, nil), nil},
		{"its directory was removed", removed, nil},
		{"any error that means absence", saying(fmt.Errorf("no such key: %w", fs.ErrNotExist)), nil},
		{"a miss because of absence", saying(&cache.MissError{Err: fs.ErrNotExist}), nil},

		{"closed", closed, fs.ErrClosed},
		{"failing", saying(broken), broken},
		{"failing behind memory", cache.Layered(memory, saying(broken)), broken},
		{"a miss because of a failure", saying(&cache.MissError{Err: broken}), broken},
		{"failing behind a gate", cache.Gate(saying(broken), nil), broken},
		{"failing behind memory and a gate", cache.Layered(memory, cache.Gate(saying(broken), nil)), broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := cache.Ping(t.Context(), test.store); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("Ping: %v, want %v", err, test.want)
			}
		})
	}
}

// Who has an entry under any key is not well, and the entry is closed.
func TestPingFindsAnEntry(t *testing.T) {
	s := &answering{}
	if err := cache.Ping(t.Context(), s); err == nil || errors.Is(err, fs.ErrNotExist) || !s.closed {
		t.Errorf("Ping: %v; closed: %v", err, s.closed)
	}
}

// A gate bounds how long it takes, and it is told that the store is left alone.
func TestPingBehindGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Store: cache.NewMemory(nil), takes: time.Minute}
		g := cache.Gate(m, nil)
		begun := time.Now()
		for range 3 {
			if err := cache.Ping(t.Context(), g); err == nil || errors.Is(err, cache.ErrGated) {
				t.Errorf("a store that hangs: %v", err)
			}
		}
		if err := cache.Ping(t.Context(), g); !errors.Is(err, cache.ErrGated) {
			t.Errorf("one that is left alone: %v", err)
		}
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("it took %v, want a second each", took)
		}
		closeStore(t, g)
	})
}

func TestPingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, s := range map[string]cache.Store{"disk": openDisk(t, t.TempDir()), "gate": cache.Gate(cache.NewMemory(nil), nil)} {
		if err := cache.Ping(ctx, s); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// keyed writes down what it is asked for.
type keyed struct {
	cache.Store
	keys []string
}

func (s *keyed) Get(ctx context.Context, key string) (*cache.Entry, error) {
	s.keys = append(s.keys, key)
	return s.Store.Get(ctx, key)
}

// No answer that a cache below remembers can pass for one of now.
func TestPingAsksForAnotherKeyEachTime(t *testing.T) {
	s := &keyed{Store: cache.NewMemory(nil)}
	for range 2 {
		if err := cache.Ping(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if s.keys[0] == s.keys[1] {
		t.Errorf("asked for %q twice", s.keys[0])
	}
	for _, key := range s.keys {
		if first, _, _ := strings.Cut(key, "/"); cache.CheckKey(key) != nil || strings.Contains(first, ".") {
			t.Errorf("%q is no key, or may be a module's", key)
		}
	}
}
