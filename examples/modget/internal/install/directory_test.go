package install_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// unpacked are the files of hello and shout, as Directory names them.
var unpacked = []string{
	"example.com/!shout@v1.0.0-!r!c.1/shout.go",
	"example.com/hello@v1.1.0/go.mod",
	"example.com/hello@v1.1.0/greet/greet.go",
	"example.com/hello@v1.1.0/hello.go",
}

// failing is a Fetcher that does something before it asks another one.
type failing struct {
	fetch.Fetcher
	before func(ctx context.Context, req upstream.Request) error
}

func (f failing) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if err := f.before(ctx, req); err != nil {
		return nil, err
	}
	return f.Fetcher.Fetch(ctx, req)
}

func TestDirectory(t *testing.T) {
	s := installtest.New(t, modules())
	dir := filepath.Join(t.TempDir(), "new", "dir")
	told := map[module.Version]error{}
	c := s.Client(t, t.TempDir())
	err := install.Directory(t.Context(), c, []module.Version{hello, shout}, dir, func(m module.Version, err error) { told[m] = err })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unpacked, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[module.Version]error{hello: nil, shout: nil}, told); diff != "" {
		t.Errorf("done was told (-want +got):\n%s", diff)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside example.com there is more: %v, %v", entries, err)
	}
}

// What is there is not fetched again, and what is missing is, also where an earlier
// process was killed while it unpacked.
func TestDirectoryGoesOn(t *testing.T) {
	s := installtest.New(t, modules())
	c := s.Client(t, t.TempDir())
	dir := t.TempDir()
	if err := install.Directory(t.Context(), c, []module.Version{shout}, dir, nil); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(dir, ".breakwater-unpacking", "old"), filepath.Join(dir, ".breakwater-unpacking", "young")
	write(t, filepath.Join(old, "half.go"), "")
	write(t, filepath.Join(young, "half.go"), "")
	before := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	var asked []string
	watched := failing{c, func(_ context.Context, req upstream.Request) error {
		asked = append(asked, req.Key())
		return nil
	}}
	if err := install.Directory(t.Context(), watched, []module.Version{shout, hello}, dir, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example.com/hello/@v/v1.1.0.zip"}, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	want := append([]string{".breakwater-unpacking/young/half.go"}, unpacked...)
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
}

// A module that cannot be had does not keep the others from being unpacked, and
// leaves nothing.
func TestDirectoryWithoutOne(t *testing.T) {
	s := installtest.New(t, modules())
	missing := installtest.M("example.com/missing", "v1.0.0")
	dir := t.TempDir()
	err := install.Directory(t.Context(), s.Client(t, t.TempDir()), []module.Version{missing, hello, shout}, dir, nil)
	if upstream.ClassOf(err) != upstream.NotFound {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(unpacked, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
}

// An interruption is told once, and leaves whole modules alone.
func TestDirectoryInterrupted(t *testing.T) {
	s := installtest.New(t, modules())
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	f := failing{s.Client(t, t.TempDir()), func(ctx context.Context, req upstream.Request) error {
		if req.Module() == shout.Path {
			return nil
		}
		cancel(interrupted)
		<-ctx.Done()
		return upstream.ContextError(ctx, req, "")
	}}
	dir := t.TempDir()
	if err := install.Directory(t.Context(), f, []module.Version{shout}, dir, nil); err != nil {
		t.Fatal(err)
	}
	err := install.Directory(ctx, f, []module.Version{shout, hello, dep, deep, hello0}, dir, nil)
	if !errors.Is(err, interrupted) || err.Error() != interrupted.Error() {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(unpacked[:1], tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
}

func TestDirectoryNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	s := installtest.New(t, modules())
	err := install.Directory(t.Context(), s.Client(t, t.TempDir()), []module.Version{hello}, file, nil)
	if !isA[*install.NotWritableError](err) {
		t.Errorf("got %v", err)
	}
}
