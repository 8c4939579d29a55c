package verify_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// The engine answers for its database as the database does.
func TestServe(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 700)
	for _, warm := range []bool{false, true} {
		e := newEngine(t, db, cache.NewMemory(nil))
		resources := []string{
			"latest", lookup(mod(0)), lookup(mod(699)),
			"tile/8/0/000", "tile/8/0/001", "tile/8/0/002.p/188", "tile/8/1/000.p/2",
			"tile/8/0/000.p/1", "tile/8/0/001.p/255", "tile/8/0/002.p/1", "tile/8/1/000.p/1",
		}
		for _, resource := range resources {
			if !warm {
				e = newEngine(t, db, cache.NewMemory(nil))
			}
			got, err := e.read(t.Context(), resource)
			if err != nil {
				t.Errorf("%s (warm: %v): %v", resource, warm, err)
			}
			if want := db.get(t, resource); !bytes.Equal(want, got) {
				t.Errorf("%s (warm: %v) is\n%q, want\n%q", resource, warm, got, want)
			}
		}
		if supported, err := e.read(t.Context(), "supported"); err != nil || len(supported) != 0 {
			t.Errorf("supported: %q, %v", supported, err)
		}
	}
}

// A response says where it is from, how it was verified and what it hashes to.
func TestServeResponse(t *testing.T) {
	e := newEngine(t, newDatabase(t), cache.NewMemory(nil))
	resp, err := e.Fetch(t.Context(), request(t, "sumdb/"+dbName+"/"+lookup(mod(0))))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	want := upstream.Response{
		Body: resp.Body, Size: int64(len(data)), Source: dbName, Origin: dbName,
		Verified: verify.ByDatabase, Digest: hex.EncodeToString(sum[:]),
	}
	if *resp != want {
		t.Errorf("response is %+v, want %+v", *resp, want)
	}
	if _, ok := resp.Body.(io.ReadSeeker); !ok {
		t.Errorf("the body is a %T, which cannot be read again", resp.Body)
	}
}

// What is not the engine's to answer does not exist there, and nobody is asked
// for it, but for the tree's end, which may have moved.
func TestServeNotFound(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	e.wantSums(t, mod(0))
	e.origin.take()
	const own = "sumdb/" + dbName + "/"
	for _, test := range []struct {
		name, key string
		asked     []string
	}{
		{"another database", "sumdb/other.example/latest", nil},
		{"support of another database", "sumdb/other.example/supported", nil},
		{"a database below it", "sumdb/" + dbName + "/x/latest", nil},
		{"a module", modKey, nil},
		{"records", own + "tile/8/data/000", nil},
		{"some records", own + "tile/8/data/001.p/3", nil},
		{"height 1", own + "tile/1/0/000", nil},
		{"height 4", own + "tile/4/0/000", nil},
		{"height 9", own + "tile/9/0/000", nil},
		{"a tile beyond the head", own + "tile/8/0/002.p/1", []string{"latest"}},
		{"more of a tile than there is", own + "tile/8/0/001.p/45", []string{"latest"}},
		{"a full tile that is not", own + "tile/8/0/001", []string{"latest"}},
		{"a level beyond the head", own + "tile/8/2/000.p/1", []string{"latest"}},
		{"a level beyond any tree", own + "tile/8/63/000.p/1", []string{"latest"}},
		{"a tile beyond any tree", own + "tile/8/0/x072/x057/x594/x037/x927/936", []string{"latest"}},
		{"a tile whose number does not fit", own + "tile/8/0/x009/x223/x372/x036/x854/x775/807", []string{"latest"}},
		{"an unknown version", own + "lookup/missing.example/m@v1.0.0", []string{"lookup/missing.example/m@v1.0.0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := e.Fetch(t.Context(), request(t, test.key))
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("want absence: %v", err)
			}
			asked, _ := e.origin.take()
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// A tile beyond the known head is one of a newer head, which is asked for.
func TestServeTileBeyondTheHead(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	e.wantSums(t, mod(0))
	db.grow(t, 300, 600)
	for _, resource := range []string{"tile/8/0/001", "tile/8/0/002.p/88", "tile/8/1/000.p/2"} {
		got, err := e.read(t.Context(), resource)
		if err != nil || !bytes.Equal(got, db.get(t, resource)) {
			t.Errorf("%s: %q, %v", resource, got, err)
		}
	}
}

// When the source has no "latest", which the go command never asks for, it does
// not follow that a tile does not exist.
func TestServeWithoutLatest(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	e.wantSums(t, mod(0))
	e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
		if resource == "latest" {
			return nil, &upstream.Error{Class: upstream.NotFound, Status: 404}
		}
		return db.answer(ctx, resource)
	})
	if _, err := e.read(t.Context(), "tile/8/0/002.p/1"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tile that may exist: %v", err)
	}
	e.wantSums(t, mod(301))
}

// A database may drop a partial tile once it is full. One that is wanted, since
// the head that it is for was on the way for long, is cut from the full one.
func TestPartialTileIsDropped(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	record := db.get(t, lookup(mod(7)))
	db.grow(t, 300, 600)
	e := newEngine(t, db, cache.NewMemory(nil))
	e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
		switch resource {
		case lookup(mod(7)):
			return record, nil
		case "tile/8/0/001.p/44":
			return nil, &upstream.Error{Class: upstream.NotFound, Status: 404}
		}
		return db.answer(ctx, resource)
	})
	e.wantSums(t, mod(7))
	e.origin.wantAsked(t, lookup(mod(7)), "tile/8/0/000", "tile/8/0/001.p/44", "tile/8/0/001", "tile/8/1/000.p/1")
	e.wantSums(t, mod(590))
	newGoClient(t, e).wantLookups(t, mod(7), mod(590))
}
