package verify_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// A look-up costs its record and those tiles that are not known yet: in a tree
// of 70,000 records six requests for the first one, two for one elsewhere in
// the tree, and one where the tile is known.
func TestEconomy(t *testing.T) {
	db, v := newView(t, tall)
	e := newEngine(t, db, cache.NewMemory(nil))
	e.wantSums(t, mod(0))
	asked, bytes := e.origin.take()
	t.Logf("first look-up: %d requests, %d bytes", len(asked), bytes)
	e.origin.asked = asked
	e.origin.wantAsked(t, lookup(mod(0)), "tile/8/0/000", "tile/8/0/273.p/112", "tile/8/1/000", "tile/8/1/001.p/17", "tile/8/2/000.p/1")

	requests := 0
	for i := 1; i < 100; i++ {
		e.wantSums(t, mod(i*691)) // each below another tile
		asked, bytes = e.origin.take()
		if len(asked) != 2 || !strings.HasPrefix(strings.Join(asked, " "), "lookup/") {
			t.Errorf("look-up %d: %v, want the record and a tile", i, asked)
		}
		requests += len(asked)
	}
	t.Logf("hundredth look-up: %d requests, %d bytes; on average %.2f requests", len(asked), bytes, float64(requests)/99)

	e.wantSums(t, mod(1), mod(255), mod(691+1))
	e.origin.wantAsked(t, lookup(mod(1)), lookup(mod(255)), lookup(mod(691+1)))

	// Where the tree grows in between, the tiles at its edge are new, too.
	v.n.Store(tall - 1000)
	grown := newEngine(t, db, cache.NewMemory(nil))
	grown.wantSums(t, mod(0))
	v.n.Add(10)
	grown.origin.take()
	grown.wantSums(t, mod(2))
	asked, bytes = grown.origin.take()
	t.Logf("a look-up after the tree has grown by 10: %d requests, %d bytes", len(asked), bytes)
	grown.origin.asked = asked
	grown.origin.wantAsked(t, lookup(mod(2)), "tile/8/0/269.p/146")
}

// However many ask at once, a tile that is in the store is not asked for.
func TestEconomyOfAHead(t *testing.T) {
	db, _ := newView(t, tall)
	e := newEngine(t, db, cache.NewMemory(nil))
	for range 3 {
		if _, err := e.read(t.Context(), "latest"); err != nil {
			t.Fatal(err)
		}
	}
	e.origin.wantAsked(t, "latest", "latest", "latest")
	e.wantSums(t, mod(1))
	e.origin.take()
	if _, err := e.read(t.Context(), "latest"); err != nil {
		t.Fatal(err)
	}
	e.origin.wantAsked(t, "latest")
}
