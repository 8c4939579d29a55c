// Package origin is a module proxy for tests. It serves the modules of txtar
// archives by the module proxy protocol, with a checksum database of its own
// over them, counts what it is asked for and misbehaves on demand.
package origin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/zip"
)

// DatabaseName is the name of the checksum database.
const DatabaseName = "sum.example.com"

// An Origin is the proxy. Its methods may be called by many goroutines at once.
type Origin struct {
	// VerifierKey is the checksum database's key, for GOSUMDB.
	VerifierKey string

	files map[string][]byte // by key
	sums  map[module.Version]string
	sumDB http.Handler

	mu     sync.Mutex
	asked  []string
	faulty func(w http.ResponseWriter, r *http.Request) bool
}

// New makes an Origin of the archives named path@version.txtar in fsys, where
// path is the module path.
func New(fsys fs.FS) (*Origin, error) {
	o := &Origin{files: map[string][]byte{}, sums: map[module.Version]string{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".txtar" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		modulePath, version, _ := strings.Cut(strings.TrimSuffix(name, ".txtar"), "@")
		return o.add(module.Version{Path: modulePath, Version: version}, txtar.Parse(data))
	})
	if err != nil {
		return nil, err
	}
	return o, o.startDatabase()
}

// add makes the files of one version.
func (o *Origin) add(m module.Version, a *txtar.Archive) error {
	escapedPath, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	escapedVersion, err := module.EscapeVersion(m.Version)
	if err != nil {
		return err
	}
	goMod := fmt.Appendf(nil, "module %s\n", m.Path)
	var files []zip.File
	for _, f := range a.Files {
		if f.Name == "go.mod" {
			goMod = f.Data
		}
		files = append(files, archived{f})
	}
	var zipped bytes.Buffer
	if err := zip.Create(&zipped, m, files); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": m.Version, "Time": versionTime(m.Version)})
	if err != nil {
		return err
	}
	base := escapedPath + "/@v/" + escapedVersion
	o.files[base+".mod"] = goMod
	o.files[base+".zip"] = zipped.Bytes()
	o.files[base+".info"] = info
	o.list(escapedPath, m.Version)
	o.sums[m], err = goSum(m, goMod, files)
	return err
}

// Forge returns a zip of the given version that is well-formed, but whose one
// file has content of the caller's.
func (o *Origin) Forge(path, version, content string) []byte {
	file := archived{txtar.File{Name: "forged.go", Data: []byte(content)}}
	var forged bytes.Buffer
	if err := zip.Create(&forged, module.Version{Path: path, Version: version}, []zip.File{file}); err != nil {
		panic(err) // the caller's version is no version
	}
	return forged.Bytes()
}

// list adds a version to the list, sorted; like real proxies' lists, it has no
// pseudo-versions.
func (o *Origin) list(escapedPath, version string) {
	key := escapedPath + "/@v/list"
	versions := strings.Fields(string(o.files[key]))
	if !module.IsPseudoVersion(version) {
		versions = append(versions, version)
	}
	semver.Sort(versions)
	o.files[key] = nil
	for _, v := range versions {
		o.files[key] = append(o.files[key], v+"\n"...)
	}
	latest := escapedPath + "/@latest"
	if len(versions) == 0 {
		versions = []string{version}
	}
	newest := versions[len(versions)-1]
	o.files[latest] = fmt.Appendf(nil, `{"Version":%q,"Time":%q}`, newest, versionTime(newest).Format(time.RFC3339))
}

func versionTime(version string) time.Time {
	if t, err := module.PseudoVersionTime(version); err == nil {
		return t
	}
	return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
}

func goSum(m module.Version, goMod []byte, files []zip.File) (string, error) {
	opened := map[string]zip.File{}
	var names []string
	for _, f := range files {
		name := m.String() + "/" + f.Path()
		opened[name] = f
		names = append(names, name)
	}
	h, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return opened[name].Open() })
	if err != nil {
		return "", err
	}
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(goMod)), nil
	})
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", m.Path, m.Version, h, m.Path, m.Version, modHash), err
}

func (o *Origin) startDatabase() error {
	signer, verifier, err := note.GenerateKey(nil, DatabaseName)
	if err != nil {
		return err
	}
	o.VerifierKey = verifier
	ops := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		sum, ok := o.sums[module.Version{Path: path, Version: version}]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(sum), nil
	})
	// Like a public one, the database knows the modules before anybody asks:
	// its tree does not grow with each look-up.
	for m := range o.sums {
		if _, err := ops.Lookup(context.Background(), m); err != nil {
			return err
		}
	}
	server := sumdb.NewServer(ops)
	o.sumDB = http.StripPrefix("/sumdb/"+DatabaseName, server)
	return nil
}

// Modules returns the versions that the origin has and the database knows.
func (o *Origin) Modules() []module.Version { return slices.Collect(maps.Keys(o.sums)) }

// File returns the content served under key, or nil.
func (o *Origin) File(key string) []byte { return o.files[key] }

// Fail has every request go to fault first, which reports whether it answered;
// nil ends that.
func (o *Origin) Fail(fault func(w http.ResponseWriter, r *http.Request) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faulty = fault
}

// Asked returns the keys asked for since the last call, in order.
func (o *Origin) Asked() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	return asked
}

// AskedFor returns how often a key that ends in suffix was asked for so far.
func (o *Origin) AskedFor(suffix string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, key := range o.asked {
		if strings.HasSuffix(key, suffix) {
			n++
		}
	}
	return n
}

// ServeHTTP answers as a module proxy.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/")
	o.mu.Lock()
	o.asked = append(o.asked, key)
	fault := o.faulty
	o.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	if resource, ok := strings.CutPrefix(key, "sumdb/"+DatabaseName+"/"); ok {
		if resource != "supported" {
			o.sumDB.ServeHTTP(w, r)
		}
		return
	}
	content, ok := o.files[key]
	if !ok {
		http.Error(w, "no such module or version here", http.StatusNotFound)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Keys returns the keys of all files, sorted.
func (o *Origin) Keys() []string {
	var keys []string
	for key := range o.files {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Hang is a fault: no answer until the client goes away.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}

// Status returns a fault: an empty answer of that status.
func Status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		return true
	}
}

// archived is a file of an archive, as a zip wants it.
type archived struct{ file txtar.File }

func (f archived) Path() string { return f.file.Name }
func (f archived) Open() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f.file.Data)), nil
}
func (f archived) Lstat() (fs.FileInfo, error) { return archivedInfo(f), nil }

type archivedInfo struct{ file txtar.File }

func (i archivedInfo) Name() string       { return path.Base(i.file.Name) }
func (i archivedInfo) Size() int64        { return int64(len(i.file.Data)) }
func (i archivedInfo) Mode() fs.FileMode  { return 0o644 }
func (i archivedInfo) ModTime() time.Time { return time.Time{} }
func (i archivedInfo) IsDir() bool        { return false }
func (i archivedInfo) Sys() any           { return nil }
