package fetch_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A bundle goes through a tar archive and is imported where there is no network.
func TestBundleAsTar(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	settings := &fetch.GoSettings{GOSUMDB: o.VerifierKey}
	dir := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: settings})
	var archive bytes.Buffer
	if err := fetch.WriteBundle(&archive, dir); err != nil {
		t.Fatal(err)
	}
	unpacked := filepath.Join(t.TempDir(), "there")
	if err := fetch.ReadBundle(&archive, unpacked); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, fetch.Options{Upstream: upstream.Off(), Store: cache.NewMemory(nil), Go: settings})
	if n, err := c.Import(t.Context(), unpacked); n != 6 || err != nil {
		t.Errorf("imported %d files: %v", n, err)
	}
	resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "public.example/m00", "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Verified != verify.ByDatabase {
		t.Errorf("verified by %q", resp.Verified)
	}
}

// An archive from a stranger writes nothing but module files, where they belong.
func TestReadBundleOfAStranger(t *testing.T) {
	const mod = "example.com/m/@v/v1.0.0.mod"
	tests := []struct {
		name   string
		header tar.Header
		ok     bool
	}{
		{"a go.mod file", tar.Header{Name: mod, Typeflag: tar.TypeReg}, true},
		{"with a dot before it", tar.Header{Name: "./" + mod, Typeflag: tar.TypeReg}, true},
		{"a directory", tar.Header{Name: "example.com/", Typeflag: tar.TypeDir}, true},
		{"out of the directory", tar.Header{Name: "../" + mod, Typeflag: tar.TypeReg}, false},
		{"absolute", tar.Header{Name: "/" + mod, Typeflag: tar.TypeReg}, false},
		{"through dots", tar.Header{Name: "example.com/../../m/@v/v1.0.0.mod", Typeflag: tar.TypeReg}, false},
		{"a link", tar.Header{Name: mod, Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, false},
		{"a hard link", tar.Header{Name: mod, Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}, false},
		{"a pipe", tar.Header{Name: mod, Typeflag: tar.TypeFifo}, false},
		{"what the store keeps for itself", tar.Header{Name: ".breakwater/records/" + mod + ",json", Typeflag: tar.TypeReg}, false},
		{"something else", tar.Header{Name: "README", Typeflag: tar.TypeReg}, false},
		{"too large", tar.Header{Name: "example.com/m/@v/v1.0.0.info", Typeflag: tar.TypeReg, Size: 2 << 20}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			if err := w.WriteHeader(&tt.header); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(strings.Repeat("x", int(tt.header.Size)))); tt.header.Size > 0 && err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			parent := t.TempDir()
			err := fetch.ReadBundle(&archive, filepath.Join(parent, "bundle"))
			if (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
				t.Errorf("beside the bundle: %v, %v", entries, err)
			}
		})
	}
}
