package cache_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// What the caller gives, and what a store refuses to take, says nothing of how the
// store is.
func TestGateBlamesTheCaller(t *testing.T) {
	broken := errors.New("the source is gone")
	late := readerFunc(func([]byte) (int, error) { time.Sleep(time.Minute); return 0, io.EOF })
	body := func(size int64, r io.Reader) func(cache.Store) error {
		return func(s cache.Store) error {
			return s.Put(context.Background(), modKey, cache.Content{Size: size, Body: r})
		}
	}
	under := func(key string) func(cache.Store) error {
		return func(s cache.Store) error { return s.Put(context.Background(), key, text("x")) }
	}
	move := func(s cache.Store) error {
		spool := cache.NewSpool(0)
		defer spool.Close()
		return s.(cache.Mover).Move(context.Background(), modKey, spool, cache.Meta{})
	}
	for name, test := range map[string]struct {
		write func(cache.Store) error
		want  error // nil: any
	}{
		"a Body that fails":    {body(9, iotest.ErrReader(broken)), broken},
		"a Body that ends":     {body(9, strings.NewReader("short")), nil},
		"a Body that goes on":  {body(1, strings.NewReader("long")), nil},
		"a Body that hangs":    {body(1, late), cache.ErrAbandoned},
		"a long key":           {under("a/" + strings.Repeat("v", 300)), nil},
		"a key below an entry": {under("stored/below"), nil},
		"a key above an entry": {under("above"), nil},
		"an unfinished spool":  {move, cache.ErrUnfinished},
	} {
		for _, below := range []string{"memory", "disk"} {
			t.Run(name+", "+below, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := cache.NewMemory(nil)
					if below == "disk" {
						s = openDisk(t, t.TempDir())
					}
					put(t, s, "stored", "x")
					put(t, s, "above/stored", "x")
					g := cache.Gate(s, &cache.GateOptions{Failures: 1})
					if err := test.write(g); test.want != nil && !errors.Is(err, test.want) {
						t.Errorf("%v, want %v", err, test.want)
					}
					wantContent(t, g, "stored", "x")
					closeStore(t, g)
				})
			})
		}
	}
}

// A queue behind a gate that is full is not a store that fails.
func TestGateOverBacklog(t *testing.T) {
	g := cache.Gate(&faulty{Store: cache.NewMemory(nil), putErr: cache.ErrBacklog}, &cache.GateOptions{Failures: 1})
	for range 2 {
		if err := g.Put(t.Context(), modKey, text("x")); !errors.Is(err, cache.ErrBacklog) {
			t.Errorf("%v, want the backlog", err)
		}
	}
}
