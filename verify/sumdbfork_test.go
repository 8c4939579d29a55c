package verify_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// forked returns a database with the same key, whose first records are the same
// and whose others are not.
func (db *testDatabase) forked(t testing.TB, same, size int) *testDatabase {
	fork := db.fork(func(path string) string {
		var i int
		if fmt.Sscanf(path, "a.example/m%d", &i); i >= same {
			return "forked"
		}
		return ""
	})
	fork.grow(t, 0, size)
	return fork
}

// treeOf is what a tree head says.
func treeOf(head []byte) string {
	text, _, _ := strings.Cut(string(head), "\n\n")
	return text
}

// Two heads that the database signed and that have no common history are proof
// against it, whatever their sizes. Nothing of the newcomer is kept, and the
// head that was known stays. Where the tiles come from somebody else, they do
// not prove it, but what does not fit is not used either.
func TestForkedTree(t *testing.T) {
	const common, known = 280, 300
	for _, size := range []int{1, 281, known - 1, known, known + 1, 600} {
		for _, tiles := range []string{"its own tiles", "honest tiles"} {
			t.Run(fmt.Sprintf("%d to %d with %s", known, size, tiles), func(t *testing.T) {
				t.Parallel()
				db := newDatabase(t)
				db.grow(t, 0, known)
				e := newEngine(t, db, diskStore(t))
				e.wantSums(t, mod(140), mod(150))
				before := kept(t, e.store.(*cache.Disk).Dir())

				db.grow(t, known, 700) // so that it has the tiles of any size
				fork := db.forked(t, min(common, size-1), size)
				e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
					if tiles == "honest tiles" && strings.HasPrefix(resource, "tile/") {
						return db.answer(ctx, resource)
					}
					return fork.answer(ctx, resource)
				})
				e.wantUntrusted(t, mod(size-1))
				if size <= known || tiles == "its own tiles" {
					e.wantEvent(t, treeOf(fork.get(t, "latest")))
				}
				e.wantKept(t, before)
				if _, err := e.read(t.Context(), "latest"); size > known && err == nil {
					t.Error("latest is answered although the source contradicts it")
				}
				e.wantKept(t, before)

				e.wantSameOffline(t, mod(140), mod(150))
				e.origin.answers(db.answer)
				e.wantSums(t, mod(size-1), mod(known), mod(140))
			})
		}
	}
}

// What does not fit together is blamed on somebody only where he gave all of
// it: an honest mirror's tiles do not fit a forked head.
func TestForkedTreeStrikes(t *testing.T) {
	const honest, liar = "honest", "liar"
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	e.wantSums(t, mod(0))
	fork := db.forked(t, 100, 400)
	db.grow(t, 300, 500)
	sources := map[string]*origin{
		honest: {name: honest, answer: db.answer},
		liar:   {name: liar, answer: fork.answer},
	}
	route := func(tilesFrom string) *verify.SumDB {
		return verify.NewSumDB(db.trusted(t), upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			if req.Kind() == upstream.SumDBTile {
				return sources[tilesFrom].Fetch(ctx, req)
			}
			return sources[liar].Fetch(ctx, req)
		}), e.store, &verify.SumDBOptions{Logger: slog.New(slog.DiscardHandler), Strike: func(source string, _ error) {
			e.struck = append(e.struck, source)
		}})
	}
	e.SumDB = route(honest)
	e.wantUntrusted(t, mod(350))
	if len(e.struck) != 0 {
		t.Errorf("%v is struck for what the other one may have done", e.struck)
	}
	sources[liar].answers(changing(fork.answer, "tile/", func(b []byte) []byte { return make([]byte, len(b)) }))
	e.SumDB = route(liar)
	e.wantUntrusted(t, mod(350))
	if diff := cmp.Diff([]string{liar}, e.struck); diff != "" {
		t.Errorf("sources struck (-want +got):\n%s", diff)
	}
}

// A fork is found from the heads alone where they are of the same size: that no
// tile was ever read does not help the liar.
func TestForkedTreeOfHeadsAlone(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	if _, err := e.read(t.Context(), "latest"); err != nil {
		t.Fatal(err)
	}
	before := kept(t, e.store.(*cache.Disk).Dir())
	fork := db.forked(t, 0, 300)
	e.origin.answers(fork.answer)
	e.wantUntrusted(t, mod(0))
	e.wantEvent(t, treeOf(fork.get(t, "latest")))
	e.wantKept(t, before)
	e.origin.answers(db.answer)
	e.wantSums(t, mod(0))
}

// An older head of the same history is no lie: a mirror may lag behind. It is
// never a step back.
func TestOlderHead(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	old := db.get(t, "latest")
	oldLookup := db.get(t, lookup(mod(3)))
	db.grow(t, 300, 700)
	e := newEngine(t, db, diskStore(t))
	e.wantSums(t, mod(650))
	head, err := e.read(t.Context(), "latest")
	if err != nil {
		t.Fatal(err)
	}
	e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
		switch resource {
		case "latest":
			return old, nil
		case lookup(mod(3)):
			return oldLookup, nil
		}
		return db.answer(ctx, resource)
	})
	for range 2 {
		e.wantSums(t, mod(3))
		got, err := e.read(t.Context(), "latest")
		if err != nil || string(got) != string(head) {
			t.Errorf("latest is\n%s%v\nwant\n%s", got, err, head)
		}
		e.restart(t)
	}
	if len(e.events) != 0 {
		t.Errorf("it counts as a lie: %v", e.events)
	}
	e.wantSameOffline(t, mod(650), mod(3))
}

// A head is known from its first sight on: not even a restart makes the engine
// take one that contradicts it.
func TestForkedTreeAfterRestart(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	e.wantSums(t, mod(0))
	before := kept(t, e.store.(*cache.Disk).Dir())
	e.origin.answers(db.forked(t, 100, 400).answer)
	e.restart(t)
	e.wantUntrusted(t, mod(350))
	e.wantKept(t, before)
}
