package verify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"golang.org/x/mod/module"
)

// The go command verifies everything through the engine: cold, warm, and with
// nobody to ask.
func TestGoCommand(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, diskStore(t))
	modules := []module.Version{mod(0), mod(255), mod(256), mod(299), mod(300), {Path: "github.com/BurntSushi/toml", Version: "v1.5.0"}}
	newGoClient(t, e).wantLookups(t, modules...)
	e.origin.take()

	newGoClient(t, e).wantLookups(t, modules...)
	e.origin.wantAsked(t)

	e.origin.answers(down)
	e.restart(t)
	newGoClient(t, e).wantLookups(t, modules...)
	e.origin.wantAsked(t)
}

// Whatever the engine was asked, in whichever order, and however the tree grew
// in between: a go command that knows nothing, and one that kept its head from
// before, verify all modules that the engine knows from its store alone.
func TestGoCommandOffline(t *testing.T) {
	edges := []int{1, 2, 255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, 65536 + 256, 69_000, tall}
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			db, v := newView(t, 1+random.IntN(300))
			if seed%4 == 0 {
				v.n.Store(int64(65536 - 300 + random.IntN(300)))
			}
			var store cache.Store = cache.NewMemory(nil)
			if seed%2 == 0 {
				store = cache.Layered(store, diskStore(t))
			}
			h := &growth{engine: newEngine(t, db, store), view: v, random: random, edges: edges, kept: newGoClient(t, nil)}
			h.kept.remote = h.engine
			for range 25 {
				h.step(t)
			}
			h.wantOffline(t)
		})
	}
}

// growth is an engine whose database grows.
type growth struct {
	*engine
	view   *view
	random *rand.Rand
	edges  []int
	known  []module.Version
	kept   *goClient // keeps its head, but no tiles or records
}

// step does one of the things that can happen.
func (g *growth) step(t *testing.T) {
	n := int(g.view.n.Load())
	m := mod(g.random.IntN(n))
	if g.random.IntN(3) == 0 {
		m = mod(max(0, n-1-g.random.IntN(3))) // at the edge
	}
	switch g.random.IntN(10) {
	case 0, 1, 2:
		g.grow(n)
	case 3, 4, 5:
		g.wantSums(t, m)
		g.known = append(g.known, m)
	case 6:
		g.kept.wantLookups(t, m)
		g.known = append(g.known, m)
	case 7:
		if _, err := g.read(t.Context(), "latest"); err != nil {
			t.Errorf("latest: %v", err)
		}
	case 8:
		g.restart(t)
	case 9:
		g.wantOffline(t)
	}
}

// grow adds a few records, many, or as many as take the tree to an edge.
func (g *growth) grow(n int) {
	switch g.random.IntN(3) {
	case 0:
		n += 1 + g.random.IntN(3)
	case 1:
		n += g.random.IntN(600)
	case 2:
		n = max(n, g.edges[g.random.IntN(len(g.edges))])
	}
	g.view.n.Store(int64(min(n, tall)))
}

// wantOffline has go commands look up all that is known while the source is down.
func (g *growth) wantOffline(t *testing.T) {
	t.Helper()
	answer := g.origin.answer
	g.origin.take()
	g.origin.answers(down)
	g.restart(t)
	newGoClient(t, g.engine).wantLookups(t, g.known...)
	for _, m := range g.known {
		newGoClient(t, g.engine).wantLookups(t, m) // one that reads only what this one needs
	}
	head := g.kept.head
	g.kept.wantLookups(t, g.known...)
	g.kept.head = head
	if _, err := g.read(context.Background(), "latest"); err != nil && len(g.known) > 0 {
		t.Errorf("latest: %v", err)
	}
	if asked, _ := g.origin.take(); len(asked) > 1 || len(asked) == 1 && asked[0] != "latest" {
		t.Errorf("asked: %v", asked)
	}
	g.origin.answers(answer)
}
