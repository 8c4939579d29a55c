package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"
)

// A corpus is the modules that are served: a directory laid out like
// GOMODCACHE/cache/download. They are the same in every run.
type corpus struct {
	tree string
	made map[string]*testModule // by path
}

// A testModule is a module with one version.
type testModule struct {
	path string
	tree string // where its files are
	sums string // its lines of a go.sum file
	size int64  // of its zip, in bytes
}

const moduleVersion = "v1.2.3"

// key is the path of one of its files: ext is "info", "mod" or "zip".
func (m *testModule) key(ext string) string { return m.path + "/@v/" + moduleVersion + "." + ext }

// list is the path of its list.
func (m *testModule) list() string { return m.path + "/@v/list" }

// file is where the file with that key is on disk.
func (m *testModule) file(key string) string { return filepath.Join(m.tree, filepath.FromSlash(key)) }

// module returns the module example.com/NAME, whose zip has about the given size in bytes.
// It is made when it is first asked for.
func (e *env) module(name string, zipSize int) (*testModule, error) {
	path := "example.com/" + name
	if m := e.corpus.made[path]; m != nil {
		return m, nil
	}
	if e.corpus.tree == "" {
		e.corpus = corpus{tree: filepath.Join(e.dir, "tree"), made: map[string]*testModule{}}
	}
	m := &testModule{path: path, tree: e.corpus.tree}
	if err := m.write(zipSize); err != nil {
		return nil, fmt.Errorf("making %s: %w", path, err)
	}
	e.corpus.made[path] = m
	return m, nil
}

// write makes the module's files.
func (m *testModule) write(zipSize int) error {
	goMod := goModFile(m.path)
	small := map[string]string{
		m.list():      moduleVersion + "\n",
		m.key("info"): infoFile(m.path),
		m.key("mod"):  goMod,
	}
	if err := os.MkdirAll(filepath.Dir(m.file(m.list())), 0o777); err != nil {
		return err
	}
	for key, content := range small {
		if err := os.WriteFile(m.file(key), []byte(content), 0o666); err != nil {
			return err
		}
	}
	if err := writeZipFile(m.file(m.key("zip")), m.path+"@"+moduleVersion, goMod, zipSize); err != nil {
		return err
	}
	return m.sum(goMod)
}

// sum finds out the module's lines of a go.sum file and the size of its zip.
func (m *testModule) sum(goMod string) error {
	zip := m.file(m.key("zip"))
	zipHash, err := dirhash.HashZip(zip, dirhash.Hash1)
	if err != nil {
		return err
	}
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return os.Open(m.file(m.key("mod")))
	})
	if err != nil {
		return err
	}
	info, err := os.Stat(zip)
	if err != nil {
		return err
	}
	m.size = info.Size()
	m.sums = fmt.Sprintf("%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", m.path, moduleVersion, zipHash, modHash)
	return nil
}
