package fetch_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// liar serves o's files, but for keys that end in suffix what forge makes of them.
func liar(o *origin.Origin, suffix string, forge func([]byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, suffix) {
			w.Write(forge(o.File(r.URL.Path[1:])))
			return
		}
		o.ServeHTTP(w, r)
	})
}

// flipped returns a zip with one byte changed in its first entry's content,
// which leaves its directory as it was.
func flipped(data []byte) []byte {
	forged := bytes.Clone(data)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		panic(err) // the origin's zips are good
	}
	offset, err := z.File[0].DataOffset()
	if err != nil {
		panic(err)
	}
	forged[offset+int64(z.File[0].CompressedSize64)/2] ^= 1
	return forged
}

func appended(goMod []byte) []byte {
	return append(bytes.Clone(goMod), "\nrequire evil.example/m v1.0.0\n"...)
}

type mirrorSet struct {
	origin       *origin.Origin
	honest       string
	flips, swaps string // their zips are wrong
	rewrites     string // its go.mod files are
}

// newMirrors serves an honest mirror and three that lie: one flips a byte in
// zips, one serves the zip of a module made under the same name with other
// content, one changes go.mod files.
func newMirrors(t *testing.T) *mirrorSet {
	o := newOrigin(t)
	other := o.Forge("example.com/hello", "v1.0.0", "package hello // evil\n")
	return &mirrorSet{
		origin:   o,
		honest:   serve(t, o),
		flips:    serve(t, liar(o, ".zip", flipped)),
		swaps:    serve(t, liar(o, "hello/@v/v1.0.0.zip", func([]byte) []byte { return other })),
		rewrites: serve(t, liar(o, ".mod", appended)),
	}
}

func (m *mirrorSet) options(dir, goproxy string) fetch.Options {
	return fetch.Options{
		Go:          &fetch.GoSettings{GOPROXY: goproxy, GOSUMDB: m.origin.VerifierKey},
		CacheDir:    dir,
		MemoryBytes: -1,
	}
}

var tamperedKeys = []string{
	"example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.0.0.zip",
	"example.com/hello/@v/v1.1.0.mod", "example.com/app/@v/v1.0.0.zip",
}

func TestLyingMirrorsAreGotAround(t *testing.T) {
	m := newMirrors(t)
	list := strings.Join([]string{m.flips, m.swaps, m.rewrites, m.honest}, "|")
	mirrors := func(t *testing.T) upstream.Upstream {
		var members []upstream.Upstream
		for _, url := range []string{m.flips, m.swaps, m.rewrites, m.honest} {
			u, err := upstream.NewHTTP(url, nil)
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, u)
		}
		return upstream.Mirrors(members...)
	}
	for _, kind := range []string{"list", "mirrors"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			opts := m.options(dir, list)
			if kind == "mirrors" {
				opts.Upstream = mirrors(t)
			}
			c := newClient(t, opts)
			for _, key := range tamperedKeys {
				if got := readKey(t, c, key); got != string(m.origin.File(key)) {
					t.Errorf("%s is not the true one", key)
				}
			}
			flush(t, c)
			wantOnlyTrueFiles(t, m.origin, dir)
		})
	}
}

func TestWhereAllLieNothingIsHandedOut(t *testing.T) {
	m := newMirrors(t)
	const zip, mod = "example.com/hello/@v/v1.0.0.zip", "example.com/hello/@v/v1.0.0.mod"
	tests := []struct{ name, goproxy, key string }{
		{"zips", m.flips + "|" + m.swaps, zip},
		{"one flipped zip", m.flips, zip},
		{"one go.mod file", m.rewrites, mod},
		{"after a comma", m.rewrites + "," + m.honest, mod},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			c := newClient(t, m.options(dir, tt.goproxy))
			req, err := upstream.ParsePath("/" + tt.key)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Fetch(t.Context(), req)
			if upstream.ClassOf(err) != upstream.Untrusted {
				t.Fatalf("got %v, want untrusted", err)
			}
			if tt.key == mod {
				mismatch, ok := errors.AsType[*verify.MismatchError](err)
				if !ok || len(mismatch.Want) != 1 || mismatch.Got == mismatch.Want[0] || mismatch.By != origin.DatabaseName {
					t.Errorf("the error does not say both hashes and who vouches for one: %v", err)
				}
			}
			wantOnlyTrueFiles(t, m.origin, dir)
			code, _, body := get(t, serve(t, fetch.NewHandler(c, nil))+"/"+tt.key)
			if code != 502 || !strings.Contains(body, "untrusted") {
				t.Errorf("a client gets %d: %s", code, body)
			}
		})
	}
}

// A mirror that lies is left alone after a while.
func TestLiesOpenTheCircuit(t *testing.T) {
	m := newMirrors(t)
	var lies atomic.Int64
	lying := serve(t, liar(m.origin, ".mod", func(goMod []byte) []byte {
		lies.Add(1)
		return appended(goMod)
	}))
	opts := m.options(t.TempDir(), lying+"|"+m.honest)
	opts.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 2}
	c := newClient(t, opts)
	read := 0
	for _, key := range m.origin.Keys() {
		if strings.HasSuffix(key, ".mod") {
			readKey(t, c, key)
			read++
		}
	}
	if lies.Load() != 2 || read < 5 {
		t.Errorf("it told %d lies while %d files were read, want 2", lies.Load(), read)
	}
}

func readKey(t *testing.T, c *fetch.Client, key string) string {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := upstream.ReadAll(t.Context(), c, req)
	if err != nil {
		t.Errorf("%s: %v", key, err)
	}
	return string(data)
}

// wantOnlyTrueFiles checks that the cache directory holds no module file but
// the true ones, and no leftover.
func wantOnlyTrueFiles(t *testing.T, o *origin.Origin, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		switch {
		case strings.HasPrefix(key, ".breakwater/tmp/"):
			t.Errorf("left behind: %s", key)
		case strings.HasPrefix(key, ".breakwater/"), strings.HasPrefix(key, "sumdb/"):
		default:
			data, err := os.ReadFile(name)
			if err != nil || !bytes.Equal(data, o.File(key)) {
				t.Errorf("in the cache: %s, which is not the true one", key)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
