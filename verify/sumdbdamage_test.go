package verify_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
)

// damage flips a bit in the middle of a stored file, and leaves its size and its
// time of change as they were: nothing but the content tells.
func damage(t testing.TB, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(name, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// Rot in the store costs a request, in the same call: it is never believed, and
// nobody is accused of it.
func TestDamagedStore(t *testing.T) {
	for _, damaged := range []string{"", "latest", "lookup/", "tile/", "tile/8/0/000", "tile/8/0/001.p/", "tile/8/1/"} {
		t.Run(damaged, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.grow(t, 0, 300)
			e := newEngine(t, db, diskStore(t))
			e.wantSums(t, mod(0), mod(299))
			dir := e.store.(*cache.Disk).Dir()
			before := kept(t, dir)
			for key, content := range before {
				if strings.HasPrefix(key, "sumdb/"+dbName+"/"+damaged) && content != "" {
					damage(t, filepath.Join(dir, filepath.FromSlash(key)))
				}
			}
			e.restart(t)
			newGoClient(t, e).wantLookups(t, mod(0), mod(299))
			e.wantSums(t, mod(0), mod(299), mod(7), mod(298))
			if len(e.events) != 0 || len(e.struck) != 0 {
				t.Errorf("somebody is accused: %v %v", e.events, e.struck)
			}
			e.restart(t)
			e.wantSameOffline(t, mod(0), mod(299), mod(7), mod(298))
			e.origin.answers(db.answer)
			db.grow(t, 300, 700)
			e.wantSums(t, mod(650))
			e.wantSameOffline(t, mod(0), mod(299), mod(7), mod(298), mod(650))
		})
	}
}

// A damaged tile while the source is away is the source's outage, not a lie.
func TestDamagedTileInAnOutage(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	e.wantSums(t, mod(0))
	damage(t, filepath.Join(e.store.(*cache.Disk).Dir(), "sumdb", dbName, "tile", "8", "0", "000"))
	e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
		if strings.HasPrefix(resource, "tile/") {
			return down(ctx, resource)
		}
		return db.answer(ctx, resource)
	})
	wantUnavailable(t, e, mod(1))
	e.origin.answers(db.answer)
	e.wantSums(t, mod(1))
}

// What is in the store without the mark of verification counts for nothing.
func TestUnverifiedStore(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	lies := db.forked(t, 0, 300)
	store := cache.NewMemory(nil)
	for _, resource := range []string{"latest", lookup(mod(7)), "tile/8/0/000", "tile/8/0/001.p/44", "tile/8/1/000.p/1"} {
		data := lies.get(t, resource)
		err := store.Put(t.Context(), "sumdb/"+dbName+"/"+resource, cache.Content{Size: int64(len(data)), Body: cache.NewBody(data)})
		if err != nil {
			t.Fatal(err)
		}
	}
	e := newEngine(t, db, store)
	e.wantSums(t, mod(7))
	e.wantSameOffline(t, mod(7))
}

// A stored tile that does not fit its tree, whoever wrote it, is asked for again
// in the same call, and replaced.
func TestWrongTileInTheStore(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	other := db.forked(t, 0, 300)
	for _, resource := range []string{"tile/8/0/000", "tile/8/0/001.p/44", "tile/8/1/000.p/1"} {
		t.Run(resource, func(t *testing.T) {
			e := newEngine(t, db, cache.NewMemory(nil))
			e.wantSums(t, mod(0))
			key := "sumdb/" + dbName + "/" + resource
			wrong := other.get(t, resource)
			meta := cache.Meta{Verified: verify.ByDatabase}
			if err := e.store.Put(t.Context(), key, cache.Content{Meta: meta, Size: int64(len(wrong)), Body: cache.NewBody(wrong)}); err != nil {
				t.Fatal(err)
			}
			e.wantSums(t, mod(7))
			if got, _, err := cache.ReadSmall(t.Context(), e.store, key); err != nil || !bytes.Equal(got, db.get(t, resource)) {
				t.Errorf("%s is still wrong: %v", key, err)
			}
			if len(e.struck) != 0 {
				t.Errorf("%v is struck for what was in the store", e.struck)
			}
			e.wantSameOffline(t, mod(0), mod(7))
		})
	}
}
