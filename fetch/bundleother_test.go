package fetch_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// pinnedTo is a Client whose source has this go.mod file and whose go.sum lists it.
func pinnedTo(t *testing.T, mod string, store cache.Store) *fetch.Client {
	t.Helper()
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return mod, nil }}
	return newClient(t, fetch.Options{Upstream: source, Store: store, GoSum: pinTo(t, mod)})
}

// Where another file of the name is, which stays for those who vouch for it, nobody is
// told that theirs is in the bundle, or in the store.
func TestBundleWhereAnotherFileIs(t *testing.T) {
	const other = goMod + "// another\n"
	files := []upstream.Request{request(t, upstream.Mod, "example.com/hello", "v1.0.0")}
	mine, theirs := t.TempDir(), t.TempDir()
	store := cache.NewMemory(nil)
	me, they := pinnedTo(t, goMod, store), pinnedTo(t, other, cache.NewMemory(nil))
	for dir, c := range map[string]*fetch.Client{mine: me, theirs: they} {
		if err := c.Export(t.Context(), dir, files); err != nil {
			t.Fatal(err)
		}
	}
	readKey(t, me, pinnedMod)
	flush(t, me)

	wantOther(t, "exporting", they.Export(t.Context(), mine, files))
	_, err := pinnedTo(t, other, store).Import(t.Context(), theirs)
	wantOther(t, "importing", err)
	if err := me.Export(t.Context(), mine, files); err != nil {
		t.Errorf("what was there is not: %v", err)
	}
}

func wantOther(t *testing.T, doing string, err error) {
	t.Helper()
	unstored, ok := errors.AsType[*fetch.UnstoredError](err)
	if !ok || unstored.Key != pinnedMod || !strings.Contains(err.Error(), "find out which is right") {
		t.Errorf("%s: got %v", doing, err)
	}
}

// A bundle is no source of the user's, and neither is the Client that it is filled by:
// no middleware is around them.
func TestMiddlewareAndBundles(t *testing.T) {
	var asked []string
	dir := t.TempDir()
	c := newClient(t, fetch.Options{
		Upstream: &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }},
		Store:    cache.NewMemory(nil), Middleware: listing(&asked), Go: &fetch.GoSettings{GOSUMDB: "off"},
	})
	req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	if err := c.Export(t.Context(), dir, []upstream.Request{req}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Purge(t.Context(), "example.com/hello"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Import(t.Context(), dir); n != 1 || err != nil {
		t.Fatalf("imported %d: %v", n, err)
	}
	if diff := cmp.Diff(1, len(asked)); diff != "" {
		t.Errorf("the middleware saw %v (-want +got):\n%s", asked, diff)
	}
}
