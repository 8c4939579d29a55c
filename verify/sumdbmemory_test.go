package verify_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A store that keeps nothing, as a full disk does, costs requests and not trust:
// what was seen since the start counts.
func TestStoreThatKeepsNothing(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.Layered())
	e.wantSums(t, mod(0), mod(299), mod(0))
	db.grow(t, 300, 400)
	e.wantSums(t, mod(399))
	newGoClient(t, e).wantLookups(t, mod(0), mod(399))
	e.origin.answers(db.forked(t, 50, 500).answer)
	e.wantUntrusted(t, mod(450))
	e.origin.answers(db.answer)
	e.wantSums(t, mod(450))
}

// Of two look-ups at once the one with the older head is the last to advance:
// the head does not move back to it.
func TestHeadIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, v := newView(t, 100)
		e := newEngine(t, db, cache.Layered()) // no stored head to set it right
		e.wantSums(t, mod(0))
		gate := make(chan struct{})
		e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
			if strings.HasPrefix(resource, "tile/") {
				<-gate
			}
			return db.answer(ctx, resource)
		})
		var both sync.WaitGroup
		for i, size := range []int64{200, 150} {
			v.n.Store(size)
			both.Go(func() {
				if _, err := e.Expect(t.Context(), mod(i), upstream.Zip); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		v.n.Store(200)
		close(gate)
		both.Wait()
		e.origin.answers(down)
		head, err := e.read(t.Context(), "latest")
		if err != nil || sizeOf(t, db, head) != 200 {
			t.Errorf("the head is\n%s%v", head, err)
		}
	})
}
