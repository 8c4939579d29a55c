package fetch_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// Without a go command a list that ends in "direct" is as good as without that
// word; who has asked for it by name is told what is missing.
func TestDirectWithoutTheGoCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	opts := fetch.Options{
		Go:    &fetch.GoSettings{GOPROXY: "direct", GONOPROXY: "corp.example", GOSUMDB: "off"},
		Store: cache.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	}
	c, err := fetch.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"example.com/m", "corp.example/m"} {
		if _, err := c.Fetch(t.Context(), request(t, upstream.List, path, "")); upstream.ClassOf(err) != upstream.NotFound {
			t.Errorf("%s: %v", path, err)
		}
	}
	opts.Direct = &gocmd.Options{}
	if c, err := fetch.New(&opts); !errors.Is(err, gocmd.ErrNoCommand) {
		c.Close()
		t.Errorf("New: %v", err)
	}
}

// In a list of one's own "direct" is what it is in GOPROXY: here the go command is
// looked for, and not there.
func TestDirectInAListOfOnesOwn(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	list, err := upstream.NewGOPROXY("https://proxy.example,direct", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string]fetch.Options{
		"Upstream": {Upstream: list},
		"Private":  {Upstream: upstream.Off(), Private: []upstream.Route{{Patterns: "corp.example", Upstream: list}}},
	} {
		opts.Go, opts.Store = &fetch.GoSettings{GOSUMDB: "off"}, cache.NewMemory(nil)
		opts.Logger = slog.New(slog.DiscardHandler)
		opts.Direct = &gocmd.Options{}
		if c, err := fetch.New(&opts); !errors.Is(err, gocmd.ErrNoCommand) {
			c.Close()
			t.Errorf("%s: New: %v", name, err)
		}
		opts.Direct = nil
		c, err := fetch.New(&opts)
		if err != nil {
			t.Fatalf("%s: nobody asked for it by name: %v", name, err)
		}
		c.Close()
	}
}

// A Client that is closed leaves nothing of what fetched from version control, and
// neither does one that could not be made.
func TestDirectIsClosed(t *testing.T) {
	dir := t.TempDir()
	settings := &fetch.GoSettings{GOPROXY: "direct", GOSUMDB: "off"}
	direct := &gocmd.Options{Dir: dir, Resolve: nowhere}
	c, err := fetch.New(&fetch.Options{Go: settings, Direct: direct, Store: cache.NewMemory(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), request(t, upstream.List, "corp.example/m", "")); upstream.ClassOf(err) != upstream.NotFound {
		t.Errorf("of a host that does not exist: %v", err)
	}
	if err := c.Reconfigure(&fetch.Options{Go: settings, Direct: direct}); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	broken := *settings
	broken.GOSUMDB = "no key"
	if _, err := fetch.New(&fetch.Options{Go: &broken, Direct: direct, Store: cache.NewMemory(nil)}); err == nil {
		t.Error("a broken GOSUMDB is taken")
	}
	if left := filesIn(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
