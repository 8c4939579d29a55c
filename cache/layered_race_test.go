package cache_test

import (
	"context"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// overtaken is a store whose Get returns what it found only after another entry
// was stored.
type overtaken struct {
	cache.Store
	overtake func()
}

func (o *overtaken) Get(ctx context.Context, key string) (*cache.Entry, error) {
	e, err := o.Store.Get(ctx, key)
	if overtake := o.overtake; overtake != nil {
		o.overtake = nil
		overtake()
	}
	return e, err
}

// An old entry that is being promoted while a new one is stored, or while it is
// deleted, must not be found afterwards.
func TestLayeredPromotionIsOvertaken(t *testing.T) {
	slow := &overtaken{Store: openDisk(t, t.TempDir())}
	s := cache.Layered(cache.NewMemory(nil), slow)
	put(t, slow, modKey, "old")
	slow.overtake = func() { put(t, s, modKey, "new") }
	get(t, s, modKey)
	wantContent(t, s, modKey, "new")
}
