package verify_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// What was verified once is known for good: nobody is asked again, neither by
// the same SumDB nor by one that is made later on the same store, even with
// nobody there to be asked.
func TestExpect(t *testing.T) {
	for name, newStore := range map[string]func(*testing.T) cache.Store{
		"memory":  func(*testing.T) cache.Store { return cache.NewMemory(nil) },
		"disk":    func(t *testing.T) cache.Store { return diskStore(t) },
		"layered": func(t *testing.T) cache.Store { return cache.Layered(cache.NewMemory(nil), diskStore(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, newDatabase(t), newStore(t))
			modules := []module.Version{
				mod(0), mod(1),
				{Path: "github.com/BurntSushi/toml", Version: "v1.5.0"},
				{Path: "gopkg.in/yaml.v3", Version: "v3.0.1"},
				{Path: "a.example/old", Version: "v2.0.0+incompatible"},
				{Path: "a.example/m", Version: "v0.0.0-20240102030405-0123456789ab"},
			}
			e.wantSums(t, modules...)
			e.origin.take()

			e.wantSums(t, modules...)
			e.origin.wantAsked(t)

			e.origin.answers(down)
			e.restart(t)
			e.wantSums(t, modules...)
			e.origin.wantAsked(t)
		})
	}
}

// The first look-up has nothing to compare with: the record, and the tiles that
// prove it. A tree head need not be asked for, it comes with the record.
func TestExpectAsksTheMinimum(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	e.wantSums(t, mod(7))
	e.origin.wantAsked(t, lookup(mod(7)), "tile/8/0/000", "tile/8/0/001.p/44", "tile/8/1/000.p/1")
	e.wantSums(t, mod(8))
	e.origin.wantAsked(t, lookup(mod(8)))
}

// A version without a record is denied with the way out, not absent: a source
// may well have it. It is asked for again, since a database grows.
func TestExpectUnknownVersion(t *testing.T) {
	e := newEngine(t, newDatabase(t), diskStore(t))
	for range 2 {
		_, err := e.Expect(t.Context(), module.Version{Path: "missing.example/m", Version: "v1.0.0"}, upstream.Zip)
		if upstream.ClassOf(err) != upstream.Denied || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("want a denial: %v", err)
		}
		if !strings.Contains(err.Error(), "GONOSUMDB") || !strings.Contains(err.Error(), dbName) {
			t.Errorf("want the database and the way out to be named: %v", err)
		}
		e.origin.wantAsked(t, "lookup/missing.example/m@v1.0.0")
	}
	if got := kept(t, e.store.(*cache.Disk).Dir()); len(got) != 0 {
		t.Errorf("it was kept: %v", got)
	}
}

// Whether there is a record is not known where a source that might have it was
// failing: that is no denial, and it is forgotten with the call.
func TestExpectInconclusive(t *testing.T) {
	missing := func(context.Context, string) ([]byte, error) {
		return nil, &upstream.Error{Class: upstream.NotFound, Status: http.StatusNotFound}
	}
	for _, test := range []struct {
		name   string
		second func(context.Context, string) ([]byte, error)
		class  upstream.Class
	}{
		{"nobody has it", missing, upstream.Denied},
		{"one is down", down, upstream.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := newDatabase(t)
			first, second := &origin{name: "first", answer: missing}, &origin{name: "second", answer: test.second}
			store := diskStore(t)
			s := verify.NewSumDB(db.trusted(t), upstream.Mirrors(first, second), store, nil)
			for range 2 {
				_, err := s.Expect(t.Context(), mod(0), upstream.Zip)
				if upstream.ClassOf(err) != test.class || err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("want an error of class %q: %v", test.class, err)
				} else if !strings.Contains(err.Error(), dbName) || strings.Contains(err.Error(), "GONOSUMDB") != (test.class == upstream.Denied) {
					t.Errorf("error is %v", err)
				}
			}
			if got := kept(t, store.Dir()); len(got) != 0 {
				t.Errorf("it was kept: %v", got)
			}
			second.answers(db.answer)
			if got, err := s.Expect(t.Context(), mod(0), upstream.Zip); err != nil || !cmp.Equal(got, db.sums(mod(0))) {
				t.Errorf("Expect = %v, %v", got, err)
			}
		})
	}
}

// Offline, what is not known is unavailable, and nobody is asked.
func TestExpectOffline(t *testing.T) {
	e := newEngine(t, newDatabase(t), diskStore(t))
	e.wantSums(t, mod(0))
	e.origin.take()
	ctx := upstream.WithOffline(t.Context())
	if _, err := e.Expect(ctx, mod(0), upstream.Zip); err != nil {
		t.Error(err)
	}
	if _, err := e.Expect(ctx, mod(1), upstream.Zip); !errors.Is(err, upstream.ErrOffline) || upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("want %v: %v", upstream.ErrOffline, err)
	}
	e.origin.wantAsked(t)
}

// The answer to a look-up may be any record of the tree: one of another module
// must not be taken for that of the module asked for, nor stay in the way of it.
func TestExpectAnotherModulesRecord(t *testing.T) {
	e := newEngine(t, newDatabase(t), diskStore(t))
	e.wantSums(t, mod(0), mod(1))
	before := kept(t, e.store.(*cache.Disk).Dir())
	e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
		if resource == lookup(mod(2)) {
			resource = lookup(mod(1))
		}
		return e.db.answer(ctx, resource)
	})
	e.wantUntrusted(t, mod(2))
	e.wantKept(t, before)
	e.origin.answers(e.db.answer)
	e.wantSums(t, mod(2))
}
