package install_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

var large = installtest.M("example.com/large", "v1.0.0")

// withLarge are modules of which one is too large for smallDisk.
func withLarge() installtest.Modules {
	noise := make([]byte, 3<<20)
	rand.Read(noise)
	all := modules()
	all[large] = map[string]string{"large.go": "package large\n", "noise.bin": string(noise)}
	return all
}

// smallDisk is a file system of 2 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("making a small file system takes the right to: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk is told as what it is, and with room made the same call goes on.
func TestModuleCacheOnFullDisk(t *testing.T) {
	w := newWorld(t, withLarge())
	opts := w.options()
	opts.Dir = smallDisk(t)
	if _, err := install.ModuleCache(t.Context(), []module.Version{hello}, nil, opts); err != nil {
		t.Fatal(err)
	}
	all, err := install.ModuleCache(t.Context(), []module.Version{large}, []module.Version{deep}, opts)
	full, ok := errors.AsType[*install.DiskFullError](err)
	if !ok || full.Module != large || full.Need < 6<<20 || full.Free > 2<<20 {
		t.Fatalf("got %v", err)
	}
	if len(all) != 1 {
		t.Errorf("something was tried after that: %v", all)
	}
	if _, err := os.Stat(filepath.Join(opts.Dir, "example.com/hello@v1.1.0/hello.go")); err != nil {
		t.Errorf("what had room: %v", err)
	}
	if err := syscall.Mount("", opts.Dir, "", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	if _, err := install.ModuleCache(t.Context(), []module.Version{hello, large}, []module.Version{deep}, opts); err != nil {
		t.Error(err)
	}
}

func TestGoModOnFullDisk(t *testing.T) {
	w := newWorld(t, modules())
	opts := w.options()
	opts.Dir = smallDisk(t)
	fill(t, opts.Dir)
	_, err := install.ModuleCache(t.Context(), nil, []module.Version{deep}, opts)
	if full, ok := errors.AsType[*install.DiskFullError](err); !ok || full.Module != deep {
		t.Errorf("got %v", err)
	}
}

func TestDirectoryOnFullDisk(t *testing.T) {
	s := installtest.New(t, withLarge())
	dir := smallDisk(t)
	c := s.Client(t, t.TempDir())
	if err := install.Directory(t.Context(), c, []module.Version{shout, hello}, dir, nil); err != nil {
		t.Fatal(err)
	}
	err := install.Directory(t.Context(), c, []module.Version{shout, large}, dir, nil)
	if full, ok := errors.AsType[*install.DiskFullError](err); !ok || full.Module != large {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(unpacked, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
}

// fill leaves no byte free in dir, but room for empty files.
func fill(t *testing.T, dir string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
