package install_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"golang.org/x/mod/module"
)

var (
	hello  = installtest.M("example.com/hello", "v1.1.0")
	hello0 = installtest.M("example.com/hello", "v1.0.0")
	dep    = installtest.M("example.com/dep", "v0.1.0")
	deep   = installtest.M("example.com/deep", "v0.2.0")
	shout  = installtest.M("example.com/Shout", "v1.0.0-RC.1")
)

// modules are a small graph: hello needs dep, which needs deep, of which no package
// is used, and hello0, which is older than hello.
func modules() installtest.Modules {
	return installtest.Modules{
		hello: {
			"go.mod":         "module example.com/hello\n\ngo 1.21\n\nrequire example.com/dep v0.1.0\n",
			"hello.go":       "package hello\n\nimport _ \"example.com/dep\"\n",
			"greet/greet.go": "package greet\n",
		},
		hello0: {"go.mod": "module example.com/hello\n", "hello.go": "package hello\n"},
		dep: {
			"go.mod":         "module example.com/dep\n\nrequire (\n\texample.com/deep v0.2.0\n\texample.com/hello v1.0.0\n)\n",
			"dep.go":         "package dep\n",
			"other/other.go": "package other\n\nimport _ \"example.com/deep\"\n",
		},
		deep:  {"go.mod": "module example.com/deep\n", "deep.go": "package deep\n"},
		shout: {"shout.go": "package shout\n"},
	}
}

// world is a bundle, and the settings of a user who has no network.
type world struct {
	source *installtest.Source
	bundle string
	cache  string // GOMODCACHE
}

func newWorld(t *testing.T, all installtest.Modules) *world {
	t.Helper()
	fixture.Settings(t, "off")
	w := &world{source: installtest.New(t, all)}
	w.bundle = filepath.Join(t.TempDir(), "bundle, of|1%2C") // with what means something in GOPROXY
	if err := os.Rename(w.source.Bundle(t), w.bundle); err != nil {
		t.Fatal(err)
	}
	w.source.Close()
	w.cache = filepath.Join(t.TempDir(), "mod, cache")
	t.Setenv("GOFLAGS", "-modcacherw -mod=vendor")
	t.Setenv("GOSUMDB", w.source.VerifierKey)
	t.Setenv("GOPATH", filepath.Join(t.TempDir(), "gopath"))
	return w
}

func (w *world) options() *install.ModuleCacheOptions {
	return &install.ModuleCacheOptions{Cache: w.bundle, Dir: w.cache}
}

// goSum writes the go.sum file of a project that uses such zips and go.mod files.
func (w *world) goSum(t *testing.T, zips, mods []module.Version) (file string) {
	t.Helper()
	var lines []string
	for _, m := range append(slices.Clone(zips), mods...) {
		zip, mod, _ := strings.Cut(strings.TrimSpace(w.source.Sums[m]), "\n")
		lines = append(lines, mod)
		if slices.Contains(zips, m) {
			lines = append(lines, zip)
		}
	}
	file = filepath.Join(t.TempDir(), "go.sum")
	write(t, file, strings.Join(lines, "\n")+"\n")
	return file
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// tree returns the names of the files below dir, but for those that begin so.
func tree(t *testing.T, dir string, but ...string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		name = filepath.ToSlash(name)
		if !slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
