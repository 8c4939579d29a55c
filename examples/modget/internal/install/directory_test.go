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

// What is there is not unpacked again, and what is missing is, also where an earlier
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
	place := filepath.Join(dir, filepath.FromSlash("example.com/!shout@v1.0.0-!r!c.1"))
	was, err := os.Stat(place)
	if err != nil {
		t.Fatal(err)
	}
	if err := install.Directory(t.Context(), c, []module.Version{shout, hello}, dir, nil); err != nil {
		t.Fatal(err)
	}
	if is, err := os.Stat(place); err != nil || !os.SameFile(was, is) {
		t.Errorf("what was there was unpacked again: %v", err)
	}
	want := append([]string{".breakwater-unpacking/young/half.go"}, unpacked...)
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
}

// A directory of an earlier call that somebody has changed is told, and left alone.
func TestDirectoryFindsWhatWasChanged(t *testing.T) {
	s := installtest.New(t, modules())
	c := s.Client(t, t.TempDir())
	for _, test := range []struct {
		name   string
		change func(dir string) error
	}{
		{"edited", func(dir string) error {
			file := filepath.Join(dir, "hello.go")
			return errors.Join(os.Chmod(file, 0o666), os.WriteFile(file, []byte("package edited\n"), 0o666))
		}},
		{"added", func(dir string) error { return os.WriteFile(filepath.Join(dir, "more.go"), nil, 0o666) }},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "hello.go")) }},
		{"added by a name that is not in UTF-8", func(dir string) error { return os.Mkdir(filepath.Join(dir, "\xff"), 0o777) }},
		{"a link", func(dir string) error { return os.Symlink("hello.go", filepath.Join(dir, "link.go")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := install.Directory(t.Context(), c, []module.Version{hello}, dir, nil); err != nil {
				t.Fatal(err)
			}
			place := filepath.Join(dir, filepath.FromSlash("example.com/hello@v1.1.0"))
			if err := test.change(place); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			err := install.Directory(t.Context(), c, []module.Version{hello, shout}, dir, nil)
			if e, ok := errors.AsType[*install.ModifiedError](err); !ok || e.Module != hello || e.Dir != place {
				t.Errorf("got %v", err)
			}
			want := append([]string{unpacked[0]}, before...)
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Errorf("the directory (-want +got):\n%s", diff)
			}
		})
	}
}

// What somebody has put there may be of any size: it is read until the user has enough.
func TestDirectoryInterruptedInALargeFile(t *testing.T) {
	s := installtest.New(t, modules())
	c := s.Client(t, t.TempDir())
	dir := t.TempDir()
	if err := install.Directory(t.Context(), c, []module.Version{hello}, dir, nil); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(filepath.Join(dir, filepath.FromSlash("example.com/hello@v1.1.0/large")))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(large.Truncate(1<<40), large.Close()); err != nil {
		t.Skip(err) // not on every file system
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := install.Directory(ctx, c, []module.Version{hello}, dir, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
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
