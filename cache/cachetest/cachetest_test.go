package cachetest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// wantFound runs Test on stores with a fault and looks whether the check of
// that name, among others, found it.
func wantFound(t *testing.T, check string, newStore func() (cache.Store, error)) {
	t.Helper()
	err := cachetest.Test(newStore)
	if err == nil {
		t.Fatal("Test found nothing")
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("the error is a %T, want one of errors.Join", err)
	}
	for _, e := range joined.Unwrap() {
		if strings.HasPrefix(e.Error(), check+": ") {
			return
		}
	}
	t.Errorf("%q did not find it; what was found: %.1000v", check, err)
}

func TestNoFault(t *testing.T) {
	for name, newStore := range map[string]func(cache.Store) cache.Store{
		"memory":   func(s cache.Store) cache.Store { return s },
		"plain":    func(s cache.Store) cache.Store { return &mutant{Store: s} },
		"swapping": func(s cache.Store) cache.Store { return swapping{s.(cache.Swapper), ""} },
		"able":     func(s cache.Store) cache.Store { return able{s.(cache.Deleter), ""} },
		"flushing": func(s cache.Store) cache.Store { return newFlushing(s, "") },
		"sharing":  func(s cache.Store) cache.Store { return newSharing(s, "") },
	} {
		t.Run(name, func(t *testing.T) {
			err := cachetest.Test(func() (cache.Store, error) { return newStore(cache.NewMemory(nil)), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			wantFound(t, f.check, func() (cache.Store, error) { return f.make(cache.NewMemory(nil)), nil })
		})
	}
}

func TestNewStoreFails(t *testing.T) {
	broken := errors.New("no store today")
	newStore := func() (cache.Store, error) { return nil, broken }
	wantFound(t, "miss", newStore)
	if err := cachetest.Test(newStore); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

func TestCloseFails(t *testing.T) {
	broken := errors.New("cannot be closed")
	newStore := func() (cache.Store, error) { return closer{cache.NewMemory(nil), broken}, nil }
	wantFound(t, "miss", newStore)
	if err := cachetest.Test(newStore); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

type closer struct {
	cache.Store
	err error
}

func (c closer) Close() error { return c.err }
