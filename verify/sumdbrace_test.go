package verify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// sizeOf is the number of records in the tree of a head that must be signed.
func sizeOf(t testing.TB, db *testDatabase, msg []byte) int64 {
	t.Helper()
	verifier, err := note.NewVerifier(db.key)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		t.Errorf("%v: %q", err, msg)
		return 0
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		t.Error(err)
	}
	return tree.N
}

// headSize is the size of the head in a store.
func headSize(t testing.TB, db *testDatabase, store cache.Store) int64 {
	t.Helper()
	msg, _, err := cache.ReadSmall(context.Background(), store, "sumdb/"+dbName+"/latest")
	if err != nil {
		return 0
	}
	return sizeOf(t, db, msg)
}

// Each look-up makes the tree grow, and many are made at once: everyone gets
// what is true, and all of it holds together afterwards.
func TestLookUpsAtOnce(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 250)
	e := newEngine(t, db, cache.Layered(cache.NewMemory(nil), diskStore(t)))
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 12 {
				e.wantSums(t, mod(1000*worker+i), mod(i))
			}
		})
		all.Go(func() { newGoClient(t, e).wantLookups(t, mod(worker), mod(1000*worker), mod(5000+worker)) })
	}
	all.Wait()
	if len(e.events) != 0 {
		t.Errorf("somebody is accused: %v", e.events)
	}
	for worker := range 16 {
		e.wantSameOffline(t, mod(worker), mod(1000*worker+11), mod(5000+worker))
		e.origin.answers(db.answer)
	}
}

// Several processes on one directory: the head in it never moves backwards,
// and all of them end at the newest, without one being in another's way.
func TestHeadIsShared(t *testing.T) {
	dir := t.TempDir()
	db, v := newView(t, 100)
	var engines []*engine
	for i := range 4 {
		var store cache.Store = diskStoreIn(t, dir)
		if i%2 == 1 {
			store = cache.Layered(cache.NewMemory(nil), store)
		}
		engines = append(engines, newEngine(t, db, store))
	}
	watched := diskStoreIn(t, dir)
	done := make(chan struct{})
	var all, watch sync.WaitGroup
	watch.Go(func() {
		for last := int64(0); ; {
			// A reader may come between the two renames of a writer, and find
			// nothing: that is a miss, not a step back.
			size := headSize(t, db, watched)
			if size != 0 && size < last {
				t.Errorf("the head has gone from %d back to %d", last, size)
			}
			last = max(last, size)
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i, e := range engines {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		all.Go(func() {
			for range 40 {
				n := v.n.Add(int64(random.IntN(40)))
				e.wantSums(t, mod(random.IntN(int(n))))
			}
		})
	}
	all.Wait()
	close(done)
	watch.Wait()

	last := v.n.Add(1)
	for _, e := range engines {
		e.wantSums(t, mod(int(last)-1))
		msg, err := e.read(t.Context(), "latest")
		if err != nil || sizeOf(t, db, msg) != last {
			t.Errorf("a head of %d, %v; want %d", sizeOf(t, db, msg), err, last)
		}
		if len(e.events) != 0 {
			t.Errorf("somebody is accused: %v", e.events)
		}
	}
	if size := headSize(t, db, watched); size != last {
		t.Errorf("the head in the directory is of %d, want %d", size, last)
	}
}

// A process that knows only an old head, while another has stored a newer one,
// does not put its own in place of that; and it finds out when that one
// contradicts what it knows.
func TestHeadOfAnotherProcess(t *testing.T) {
	for _, test := range []struct {
		first, second, third int // the trees seen by a, then b, then a
		want                 int64
	}{
		{100, 300, 200, 300},
		{100, 300, 300, 300},
		{100, 300, 400, 400},
		{300, 100, 300, 300},
		{300, 100, 200, 300},
	} {
		t.Run(fmt.Sprint(test.first, test.second, test.third), func(t *testing.T) {
			dir := t.TempDir()
			db, v := newView(t, test.first)
			a, b := newEngine(t, db, diskStoreIn(t, dir)), newEngine(t, db, diskStoreIn(t, dir))
			b.origin.answers(down)
			b.read(t.Context(), "latest") // b has looked at the store, which is empty
			b.origin.answers(db.answer)
			a.wantSums(t, mod(1))
			v.n.Store(int64(test.second))
			b.wantSums(t, mod(2))
			v.n.Store(int64(test.third))
			a.wantSums(t, mod(3))
			if got := headSize(t, db, diskStoreIn(t, dir)); got != test.want {
				t.Errorf("the head is of %d, want %d", got, test.want)
			}
			a.wantSameOffline(t, mod(1), mod(2), mod(3))
			b.wantSameOffline(t, mod(1), mod(2), mod(3))
		})
	}
}

// Two processes that are shown two histories find it out by the store that they
// share.
func TestForkBetweenProcesses(t *testing.T) {
	dir := t.TempDir()
	db := newDatabase(t)
	db.grow(t, 0, 300)
	fork := db.forked(t, 50, 400)
	a, b := newEngine(t, db, diskStoreIn(t, dir)), newEngine(t, db, diskStoreIn(t, dir))
	b.origin.answers(down)
	b.read(t.Context(), "latest") // b has looked at the store, which is empty
	b.origin.answers(fork.answer)
	a.wantSums(t, mod(0))
	before := kept(t, dir)
	b.wantUntrusted(t, mod(350))
	b.wantKept(t, before)
	b.origin.answers(db.answer)
	b.wantSums(t, mod(350))
}
