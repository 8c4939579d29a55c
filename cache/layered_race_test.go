package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
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

// meanwhile is a store to which something happens, once, when it is given an entry:
// before it has that, or after.
type meanwhile struct {
	cache.Store
	before, after func()
	puts          int
}

func once(f *func()) {
	if do := *f; do != nil {
		*f = nil
		do()
	}
}

func (m *meanwhile) Put(ctx context.Context, key string, c cache.Content) error {
	m.puts++
	once(&m.before)
	defer once(&m.after)
	return m.Store.Put(ctx, key, c)
}

func (m *meanwhile) Delete(ctx context.Context, key string) error {
	_, err := cache.Delete(ctx, m.Store, key)
	return err
}

// An entry that is overtaken by another between the stores must not be found
// instead of the one that lasts.
func TestLayeredWriteIsOvertaken(t *testing.T) {
	first := map[string]func(t *testing.T, s cache.Store) error{
		"Put": func(t *testing.T, s cache.Store) error { return s.Put(t.Context(), modKey, text("first")) },
		"Move": func(t *testing.T, s cache.Store) error {
			return cache.Commit(t.Context(), s, modKey, filled(t, cache.NewSpool(100), "first"), cache.Meta{})
		},
	}
	second := map[string]func(t *testing.T, s cache.Store) error{
		"Put": func(t *testing.T, s cache.Store) error { return s.Put(t.Context(), modKey, text("second")) },
		"Swap": func(t *testing.T, s cache.Store) error {
			return cache.Swap(t.Context(), s, modKey, []byte("first"), []byte("second"), cache.Meta{})
		},
		"Delete": func(t *testing.T, s cache.Store) error {
			_, err := cache.Delete(t.Context(), s, modKey)
			return err
		},
	}
	for firstName, write := range first {
		for secondName, overtake := range second {
			for _, when := range []string{"in the slow store", "in the fast store"} {
				t.Run(firstName+" by "+secondName+" "+when, func(t *testing.T) {
					fast, slow := &meanwhile{Store: cache.NewMemory(nil)}, &meanwhile{Store: openDisk(t, t.TempDir())}
					s := cache.Layered(fast, slow)
					do := func() {
						if err := overtake(t, s); err != nil {
							t.Error(err)
						}
					}
					if fast.before = do; when == "in the slow store" {
						fast.before, slow.after = nil, do
					}
					if err := write(t, s); err != nil {
						t.Error(err)
					}
					if secondName == "Delete" {
						wantMiss(t, s, modKey)
						return
					}
					wantContent(t, s, modKey, "second")
				})
			}
		}
	}
}

// Whoever comes while an entry is on its way to the fast store has the slow one's.
func TestLayeredPromotesOnce(t *testing.T) {
	for name, content := range map[string]string{"small": "content", "large": strings.Repeat("x", 9<<20)} {
		t.Run(name, func(t *testing.T) {
			fast, slow := &meanwhile{Store: openDisk(t, t.TempDir())}, openDisk(t, t.TempDir())
			s := cache.Layered(fast, slow)
			put(t, slow, modKey, content)
			fast.before = func() { wantContent(t, s, modKey, content) }
			wantContent(t, s, modKey, content)
			if fast.puts != 1 {
				t.Errorf("copied %d times", fast.puts)
			}
			if err := slow.Delete(t.Context(), modKey); err != nil {
				t.Fatal(err)
			}
			wantContent(t, s, modKey, content)
		})
	}
}

// punctual does nothing when its context has ended.
type punctual struct{ cache.Store }

func (p *punctual) Put(ctx context.Context, key string, c cache.Content) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return p.Store.Put(ctx, key, c)
}

func (p *punctual) Delete(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err := cache.Delete(ctx, p.Store, key)
	return err
}

// A caller who goes away between the stores leaves no old entry before the new.
func TestLayeredCallerGoes(t *testing.T) {
	slow := &meanwhile{Store: openDisk(t, t.TempDir())}
	s := cache.Layered(&punctual{cache.NewMemory(nil)}, slow)
	put(t, s, modKey, "old")
	ctx, cancel := context.WithCancel(t.Context())
	slow.after = cancel
	if err := s.Put(ctx, modKey, text("new")); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wantContent(t, s, modKey, "new")
}

// Whatever many do at once, in the end the fast store has what the slow one has,
// or nothing.
func TestLayeredAgrees(t *testing.T) {
	fast, slow := cache.NewMemory(nil), cache.NewMemory(nil)
	s := cache.Layered(fast, slow)
	for round := range 2000 {
		var users sync.WaitGroup
		for user := range 8 {
			users.Go(func() {
				content := fmt.Sprint(round, user)
				switch (round + user) % 5 {
				case 0:
					cache.Delete(t.Context(), s, modKey)
				case 1:
					stored(s, modKey)
				case 2:
					spool := cache.NewSpool(100)
					defer spool.Close()
					io.WriteString(spool, content)
					spool.Finish()
					if err := cache.Commit(t.Context(), s, modKey, spool, cache.Meta{}); err != nil {
						t.Error(err)
					}
				default:
					put(t, s, modKey, content)
				}
			})
		}
		users.Wait()
		near, _, err := cache.ReadSmall(t.Context(), fast, modKey)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		lasting, _, slowErr := cache.ReadSmall(t.Context(), slow, modKey)
		if err != nil || slowErr != nil || string(near) != string(lasting) {
			t.Fatalf("round %d: %q, %v is near, and %q, %v lasts", round, near, err, lasting, slowErr)
		}
	}
}
