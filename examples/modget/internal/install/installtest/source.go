// Package installtest is a module proxy for tests, with a checksum database of its
// own, and the cache that a real Client fills from it. Nothing in it leaves the
// machine.
package installtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/zip"
)

// DatabaseName is the name of the checksum database.
const DatabaseName = "sum.example.com"

// Modules are files by name, by module version.
type Modules map[module.Version]map[string]string

// M is short for a module version.
func M(path, version string) module.Version { return module.Version{Path: path, Version: version} }

// A Source is the proxy.
type Source struct {
	URL         string
	VerifierKey string // the checksum database's, for GOSUMDB

	Sums map[module.Version]string // lines of a go.sum file

	server *httptest.Server

	mu    sync.Mutex
	files map[string][]byte // by key
}

// New serves modules until the test ends.
func New(t testing.TB, modules Modules) *Source {
	t.Helper()
	s := &Source{Sums: map[module.Version]string{}, files: map[string][]byte{}}
	for m, files := range modules {
		if err := s.add(m, files); err != nil {
			t.Fatalf("making %v: %v", m, err)
		}
	}
	signer, key, err := note.GenerateKey(nil, DatabaseName)
	if err != nil {
		t.Fatal(err)
	}
	s.VerifierKey = key
	ops := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		if sums, ok := s.Sums[M(path, version)]; ok {
			return []byte(sums), nil
		}
		return nil, fs.ErrNotExist
	})
	for m := range modules { // so that its tree does not grow later
		if _, err := ops.Lookup(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	s.server = httptest.NewServer(s.handler(sumdb.NewServer(ops)))
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

// Close makes the source unreachable.
func (s *Source) Close() { s.server.Close() }

// Remove takes the file with that key away.
func (s *Source) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, key)
}

// Damage flips a bit in the middle of the file with that key.
func (s *Source) Damage(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content := bytes.Clone(s.files[key])
	content[len(content)/2] ^= 1
	s.files[key] = content
}

func (s *Source) file(key string) (content []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok = s.files[key]
	return content, ok
}

// Client returns a Client of the source alone, with its cache in dir, until the
// test ends.
func (s *Source) Client(t testing.TB, dir string) *fetch.Client {
	t.Helper()
	c, err := fetch.New(&fetch.Options{
		Go:       &fetch.GoSettings{GOPROXY: s.URL, GOSUMDB: s.VerifierKey},
		CacheDir: dir,
		Retry:    &breaker.RetryOptions{Tries: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Bundle exports all modules into a directory of the test's, and returns it. It is
// a cache directory of Breakwater's as any other.
func (s *Source) Bundle(t testing.TB) string {
	t.Helper()
	var all []module.Version
	for m := range s.Sums {
		all = append(all, m)
	}
	files, err := fetch.ModuleFiles(all...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Client(t, t.TempDir()).Export(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *Source) handler(database http.Handler) http.Handler {
	mux := http.NewServeMux()
	prefix := "/sumdb/" + DatabaseName
	mux.Handle(prefix+"/", http.StripPrefix(prefix, database))
	mux.HandleFunc(prefix+"/supported", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		content, ok := s.file(r.URL.Path[1:])
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	return mux
}

func (s *Source) add(m module.Version, files map[string]string) error {
	goMod, ok := files["go.mod"]
	if !ok {
		goMod = fmt.Sprintf("module %s\n", m.Path)
	}
	var content []zip.File
	for name, data := range files {
		content = append(content, file{name, data})
	}
	var zipped bytes.Buffer
	if err := zip.Create(&zipped, m, content); err != nil {
		return err
	}
	info := fmt.Sprintf("{\"Version\":%q,\"Time\":\"2024-01-02T03:04:05Z\"}", m.Version)
	for k, data := range map[upstream.Kind][]byte{
		upstream.Zip: zipped.Bytes(), upstream.Mod: []byte(goMod), upstream.Info: []byte(info),
	} {
		req, err := upstream.NewRequest(k, m.Path, m.Version)
		if err != nil {
			return err
		}
		s.files[req.Key()] = data
	}
	list, err := upstream.NewRequest(upstream.List, m.Path, "")
	if err != nil {
		return err
	}
	s.files[list.Key()] = fmt.Appendf(s.files[list.Key()], "%s\n", m.Version)
	zipHash, err := verify.HashZip(bytes.NewReader(zipped.Bytes()), int64(zipped.Len()))
	if err != nil {
		return err
	}
	modHash, err := verify.HashMod(strings.NewReader(goMod))
	s.Sums[m] = fmt.Sprintf("%[1]s %[2]s %[3]s\n%[1]s %[2]s/go.mod %[4]s\n", m.Path, m.Version, zipHash, modHash)
	return err
}

// file is a file that is to be zipped.
type file struct{ name, data string }

func (f file) Path() string                 { return f.name }
func (f file) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.data)), nil }
func (f file) Lstat() (fs.FileInfo, error)  { return fileInfo{f}, nil }

type fileInfo struct{ file file }

func (i fileInfo) Name() string       { return path.Base(i.file.name) }
func (i fileInfo) Size() int64        { return int64(len(i.file.data)) }
func (i fileInfo) Mode() fs.FileMode  { return 0o644 }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }
