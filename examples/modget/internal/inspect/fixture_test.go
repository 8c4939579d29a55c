package inspect_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/inspect"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

var (
	hello     = installtest.M("example.com/hello", "v1.1.0")
	shout     = installtest.M("example.com/Shout", "v1.0.0-RC.1")
	toolchain = installtest.M("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64")
	all       = []module.Version{hello, shout, toolchain}
)

// world is a module proxy with a checksum database, and trees made from it.
type world struct{ source *installtest.Source }

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{installtest.New(t, installtest.Modules{
		hello: {"go.mod": "module example.com/hello\n", "hello.go": "package hello\n", "greet/greet.go": "package greet\n"},
		shout: {"shout.go": "package shout\n"},
		toolchain: {
			"bin/go": "not really", "src/_go.mod": "module std\n", "src/cmd/_go.mod": "module cmd\n", "src/a.go": "package a\n",
		},
	})}
}

// database is the checksum database.
func (w *world) database(t *testing.T) verify.Verifier {
	t.Helper()
	database, err := verify.ParseGOSUMDB(w.source.VerifierKey)
	if err != nil {
		t.Fatal(err)
	}
	source, err := upstream.NewHTTP(w.source.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return verify.NewSumDB(database, source, cache.NewMemory(nil), nil)
}

// goSum is a go.sum file that lists the go.mod file of hello, and nothing else.
func (w *world) goSum(t *testing.T) verify.Verifier {
	t.Helper()
	_, mod, _ := strings.Cut(w.source.Sums[hello], "\n")
	sums, err := verify.ParseGoSum("go.sum", []byte(mod))
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// moduleCache is a GOMODCACHE that the go command has made.
func (w *world) moduleCache(t *testing.T) string {
	t.Helper()
	fixture.Settings(t, "off")
	t.Setenv("GOPATH", filepath.Join(t.TempDir(), "gopath"))
	t.Setenv("GOSUMDB", w.source.VerifierKey)
	t.Setenv("GOFLAGS", "-modcacherw")
	dir := t.TempDir()
	if _, err := install.ModuleCache(t.Context(), all, nil, &install.ModuleCacheOptions{Cache: w.source.Bundle(t), Dir: dir}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// directory holds unpacked modules alone.
func (w *world) directory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := install.Directory(t.Context(), w.source.Client(t, t.TempDir()), all, dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// brief is a finding without its explanation.
type brief struct {
	Module  module.Version
	File    string
	Verdict inspect.Verdict
}

// briefs are sorted by name, for they come in any order.
func briefs(findings []inspect.Finding) []brief {
	var all []brief
	for _, f := range findings {
		all = append(all, brief{f.Module, f.File, f.Verdict})
	}
	slices.SortFunc(all, func(a, b brief) int { return strings.Compare(a.File, b.File) })
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// write writes a file, also over one that is read-only.
func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o666); err != nil {
		t.Fatal(err)
	}
}
