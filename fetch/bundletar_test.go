package fetch_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
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
	if err := fetch.ReadBundle(&archive, unpacked, nil); err != nil {
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
		{"nothing but a directory", tar.Header{Name: "example.com/", Typeflag: tar.TypeDir}, false},
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
			err := fetch.ReadBundle(&archive, filepath.Join(parent, "bundle"), nil)
			if (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
				t.Errorf("beside the bundle: %v, %v", entries, err)
			}
		})
	}
}

// What is over the limits ends the reading with an error that says which limit it
// is; of what came before the files are whole.
func TestReadBundleLimits(t *testing.T) {
	const first, second = "example.com/m/@v/v1.0.0.mod", "example.com/m/@v/v1.1.0.mod"
	tests := []struct {
		name   string
		limits *fetch.BundleLimits
		says   string // empty: all is taken
		want   []string
	}{
		{"the defaults", nil, "", []string{first, second}},
		{"just enough", &fetch.BundleLimits{Bytes: 200, Files: 6}, "", []string{first, second}},
		{"a byte too much", &fetch.BundleLimits{Bytes: 199}, "BundleLimits.Bytes", []string{first}},
		{"a file too many", &fetch.BundleLimits{Files: 5}, "BundleLimits.Files", []string{first}},
		{"a directory too many", &fetch.BundleLimits{Files: 4, Bytes: -1}, "BundleLimits.Files", nil},
		{"no bounds", &fetch.BundleLimits{Bytes: -1, Files: -1}, "", []string{first, second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			for _, name := range []string{"example.com/", first, second} {
				header := tar.Header{Name: name, Typeflag: tar.TypeDir}
				if name != "example.com/" {
					header.Typeflag, header.Size = tar.TypeReg, 100
				}
				if err := w.WriteHeader(&header); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(bytes.Repeat([]byte("x"), int(header.Size))); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			err := fetch.ReadBundle(&archive, dir, tt.limits)
			if tt.says == "" && err != nil || tt.says != "" && (!errors.Is(err, fetch.ErrBundleTooLarge) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			var got []string
			for _, name := range []string{first, second} {
				if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && info.Size() == 100 {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("unpacked (-want +got):\n%s", diff)
			}
		})
	}
}

// Of an archive that was cut off nothing is left that is not whole: of an .info
// file nobody could tell.
func TestReadBundleCutOff(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	header := tar.Header{Name: "example.com/m/@v/v1.0.0.info", Typeflag: tar.TypeReg, Size: 2000}
	if err := w.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := fetch.ReadBundle(&archive, dir, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if left := filesIn(t, filepath.Join(dir, "example.com", "m", "@v")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Whatever else lies in the directory of a bundle does not get into the archive,
// which could not be unpacked.
func TestWriteBundleOfADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	const mod = "example.com/m/@v/v1.0.0.mod"
	for _, name := range []string{mod, "README", ".hidden", "unverified/" + mod, "example.com/m/@v/v1.0.0.lock"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var archive bytes.Buffer
	if err := fetch.WriteBundle(&archive, dir); err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	if err := fetch.ReadBundle(&archive, there, nil); err != nil {
		t.Fatal(err)
	}
	got := append(filesIn(t, there), filesIn(t, filepath.Join(there, "example.com", "m", "@v"))...)
	if diff := cmp.Diff([]string{"example.com", "v1.0.0.mod"}, got); diff != "" {
		t.Errorf("in the archive (-want +got):\n%s", diff)
	}
}

// An archive that was cut between two files, is empty, or is compressed is none.
func TestReadBundleThatIsNone(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range []string{"example.com/m/@v/v1.0.0.mod", "example.com/m/@v/v1.1.0.mod"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "an end alone": make([]byte, 1024), "cut": archive.Bytes()[:512], "without an end": archive.Bytes()[:1024],
		"compressed": append([]byte{0x1f, 0x8b, 8, 0}, make([]byte, 2000)...),
	} {
		if err := fetch.ReadBundle(bytes.NewReader(content), t.TempDir(), nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := fetch.ReadBundle(bytes.NewReader(archive.Bytes()), t.TempDir(), nil); err != nil {
		t.Error(err)
	}
}
