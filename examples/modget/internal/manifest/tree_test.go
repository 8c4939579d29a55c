package manifest_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/module"
)

// newTree lays testdata/modules.txtar out as a module proxy, and returns its
// directory.
func newTree(t testing.TB) string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/modules.txtar")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[module.Version][]txtar.File{}
	for _, f := range archive.Files {
		path, rest, _ := strings.Cut(f.Name, "@")
		version, name, _ := strings.Cut(rest, "/")
		v := module.Version{Path: path, Version: version}
		modules[v] = append(modules[v], txtar.File{Name: name, Data: f.Data})
	}
	tree := t.TempDir()
	for v, files := range modules {
		var zipped bytes.Buffer
		z := zip.NewWriter(&zipped)
		for _, f := range files {
			w, err := z.Create(v.Path + "@" + v.Version + "/" + f.Name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(f.Data)
			if f.Name == "go.mod" {
				write(t, file(t, tree, upstream.Mod, v), string(f.Data))
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		write(t, file(t, tree, upstream.Zip, v), zipped.String())
		write(t, file(t, tree, upstream.Info, v), `{"Version":"`+v.Version+`","Time":"2024-01-02T03:04:05Z"}`)
	}
	return tree
}

// file returns where a file of a module is in a tree.
func file(t testing.TB, tree string, k upstream.Kind, v module.Version) string {
	t.Helper()
	req, err := upstream.NewRequest(k, v.Path, v.Version)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(tree, filepath.FromSlash(req.Key()))
}

// carried returns a tree that has what a manifest wants of another, and nothing
// else.
func carried(t testing.TB, m manifest.Manifest, tree string) string {
	t.Helper()
	to := t.TempDir()
	carry := func(k upstream.Kind, v module.Version) {
		data, err := os.ReadFile(file(t, tree, k, v))
		if err != nil {
			t.Fatal(err)
		}
		write(t, file(t, to, k, v), string(data))
	}
	for _, v := range m.Modules {
		carry(upstream.Info, v)
		carry(upstream.Mod, v)
		carry(upstream.Zip, v)
	}
	for _, v := range m.Mods {
		carry(upstream.Mod, v)
	}
	return to
}

// newProject returns the go command with that tree as its only source, in a copy
// of a directory.
func newProject(t testing.TB, tree, project string) *fixture.GoCommand {
	t.Helper()
	g := fixture.NewGoCommand(t, "file://"+filepath.ToSlash(tree), "GOWORK=", "GOFLAGS=-modcacherw")
	if err := os.Remove(filepath.Join(g.Dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(g.Dir, os.DirFS(project)); err != nil {
		t.Fatal(err)
	}
	return g
}

// fetched returns what the go command has in its module cache: the versions of
// which it has the zip, and those of which it has only the go.mod file.
func fetched(t testing.TB, g *fixture.GoCommand) manifest.Manifest {
	t.Helper()
	var m manifest.Manifest
	downloads := os.DirFS(filepath.Join(g.Dir, "..", "modules", "cache", "download"))
	err := fs.WalkDir(downloads, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		req, err := upstream.ParsePath("/" + name)
		if err != nil {
			return nil // locks, hashes
		}
		v := module.Version{Path: req.Module(), Version: req.Version()}
		switch req.Kind() {
		case upstream.Zip:
			m.Modules = append(m.Modules, v)
		case upstream.Mod:
			m.Mods = append(m.Mods, v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.Add(manifest.Manifest{})
}
