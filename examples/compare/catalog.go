package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
)

// databaseName is the name of the checksum database. It is nobody's.
const databaseName = "sum.example.com"

// How many modules there are, and how large their zips are, in bytes.
const (
	smallModules, smallZip = 8, 32 << 10
	largeModules, largeZip = 4, 256 << 10
)

// A catalog is the modules that the sources have, and what the checksum database says of
// them. It does not change.
type catalog struct {
	small, large []goModule
	key          string // the database's key, for GOSUMDB

	files    map[string][]byte // by URL path
	database http.Handler
}

// A goModule is a module with one version.
type goModule struct {
	path string
	zip  []byte
	sums string // its lines in the checksum database
}

const moduleVersion = "v1.0.0"

// file is the URL path of one of its files: "info", "mod" or "zip".
func (m goModule) file(ext string) string { return "/" + m.path + "/@v/" + moduleVersion + "." + ext }

func newCatalog() (*catalog, error) {
	c := &catalog{files: map[string][]byte{}}
	noise := rand.NewChaCha8([32]byte{})
	for i := range smallModules {
		m, err := c.add(fmt.Sprintf("example.com/small%d", i), smallZip, noise)
		if err != nil {
			return nil, err
		}
		c.small = append(c.small, m)
	}
	for i := range largeModules {
		m, err := c.add(fmt.Sprintf("example.com/large%d", i), largeZip, noise)
		if err != nil {
			return nil, err
		}
		c.large = append(c.large, m)
	}
	return c, c.openDatabase()
}

// add makes a module whose zip has a file of size bytes that cannot be compressed.
func (c *catalog) add(path string, size int, noise io.Reader) (goModule, error) {
	prefix := path + "@" + moduleVersion + "/"
	files := map[string][]byte{
		prefix + "go.mod":    []byte("module " + path + "\n\ngo 1.21\n"),
		prefix + "noise.bin": make([]byte, size),
	}
	if _, err := io.ReadFull(noise, files[prefix+"noise.bin"]); err != nil {
		return goModule{}, err
	}
	names := []string{prefix + "go.mod", prefix + "noise.bin"}
	m := goModule{path: path}
	var err error
	if m.zip, err = pack(names, files); err != nil {
		return m, err
	}
	if m.sums, err = sums(path, names, files); err != nil {
		return m, err
	}
	info := fmt.Appendf(nil, `{"Version":%q,"Time":"2024-01-02T03:04:05Z"}`, moduleVersion)
	c.files[m.file("info")] = info
	c.files[m.file("mod")] = files[names[0]]
	c.files[m.file("zip")] = m.zip
	c.files["/"+path+"/@v/list"] = []byte(moduleVersion + "\n")
	c.files["/"+path+"/@latest"] = info
	return m, nil
}

func pack(names []string, files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// sums returns the lines of a module in a go.sum file. The first of names is its go.mod.
func sums(path string, names []string, files map[string][]byte) (string, error) {
	open := func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files[name])), nil }
	zipSum, err := dirhash.Hash1(names, open)
	if err != nil {
		return "", err
	}
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return open(names[0]) })
	return fmt.Sprintf("%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", path, moduleVersion, zipSum, modSum), err
}

// openDatabase makes the checksum database. Like the public one it knows the modules before
// anybody asks.
func (c *catalog) openDatabase() error {
	signer, key, err := note.GenerateKey(nil, databaseName)
	if err != nil {
		return err
	}
	all := map[string]string{}
	for _, m := range append(append([]goModule(nil), c.small...), c.large...) {
		all[m.path] = m.sums
	}
	ops := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		if version != moduleVersion || all[path] == "" {
			return nil, fs.ErrNotExist
		}
		return []byte(all[path]), nil
	})
	for path := range all {
		if _, err := ops.Lookup(context.Background(), module.Version{Path: path, Version: moduleVersion}); err != nil {
			return err
		}
	}
	c.key, c.database = key, sumdb.NewServer(ops)
	return nil
}

// databasePrefix is where a source has the checksum database.
const databasePrefix = "/sumdb/" + databaseName

// ServeHTTP answers as a module proxy that is well.
func (c *catalog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if resource, ok := strings.CutPrefix(r.URL.Path, databasePrefix+"/"); ok {
		if resource != "supported" {
			http.StripPrefix(databasePrefix, c.database).ServeHTTP(w, r)
		}
		return
	}
	content, ok := c.files[r.URL.Path]
	if !ok {
		http.Error(w, "no such module or version here", http.StatusNotFound)
		return
	}
	w.Header().Set("Etag", fmt.Sprintf("%q", r.URL.Path))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
