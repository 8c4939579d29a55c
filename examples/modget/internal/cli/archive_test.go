package cli_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// archive writes a tar archive of one entry and returns its name.
func archive(t *testing.T, h tar.Header) string {
	t.Helper()
	content := make([]byte, h.Size)
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, "bundle.tar", text.String())
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// An archive that is no bundle is a mistake in what was named: one line, and nothing
// of it stays.
func TestBadArchive(t *testing.T) {
	fixture.Settings(t, "off")
	for name, bundle := range map[string]string{
		"a way out":                archive(t, tar.Header{Name: "../evil", Typeflag: tar.TypeReg, Size: 1}),
		"an absolute way":          archive(t, tar.Header{Name: "/evil", Typeflag: tar.TypeReg, Size: 1}),
		"a link":                   archive(t, tar.Header{Name: "example.com/x/@v/v1.0.0.zip", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"a hard link":              archive(t, tar.Header{Name: "example.com/x/@v/v1.0.0.zip", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}),
		"a device":                 archive(t, tar.Header{Name: "example.com/x/@v/v1.0.0.zip", Typeflag: tar.TypeChar}),
		"not a file of a module":   archive(t, tar.Header{Name: "README", Typeflag: tar.TypeReg, Size: 1}),
		"cut":                      file(t, "bundle.tar", ""),
		"text":                     file(t, "bundle.tar", "example.com/x@v1.0.0\n"),
		"text, by name compressed": file(t, "bundle.tgz", "example.com/x@v1.0.0\n"),
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			run(t, t.Context(), "-cache", filepath.Join(home, "cache"), "bundle", "import", bundle).wantOneLine(t, 2, "have it made again")
			if left, _ := os.ReadDir(home); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// What is larger than the limit, or holds nothing, is refused too.
func TestBadBundle(t *testing.T) {
	fixture.Settings(t, "off")
	cache := filepath.Join(t.TempDir(), "cache")
	large := archive(t, tar.Header{Name: "example.com/x/@v/v1.0.0.zip", Typeflag: tar.TypeReg, Size: 1000})
	run(t, t.Context(), "-cache", cache, "bundle", "import", "-max-bytes", "100", large).wantOneLine(t, 2, "-max-bytes allows more")
	run(t, t.Context(), "-cache", cache, "bundle", "import", t.TempDir()).wantOneLine(t, 2, "holds no module file")
}

// A bundle's name is looked at before anything is downloaded for it.
func TestBadTarget(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	dir := t.TempDir()
	t.Chdir(dir)
	for _, to := range []string{"missing/bundle.tar", dir + ".tar/bundle.tgz", "bundle.zip", "-", "go.sum", "example.com/x@v1.0.0", file(t, "list", "")} {
		run(t, t.Context(), "bundle", "export", to, "example.com/hello@v1.0.0").wantOneLine(t, 2, "")
	}
	if asked := source.Asked(); len(asked) > 0 {
		t.Errorf("the source was asked for %q", asked)
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("%v was made", made)
	}
}

// What a killed import left is removed a day later.
func TestAbandoned(t *testing.T) {
	fixture.Settings(t, "off")
	home := t.TempDir()
	old, young := filepath.Join(home, ".modget-bundle-1"), filepath.Join(home, ".modget-bundle-2")
	for _, dir := range []string{old, young} {
		if err := os.MkdirAll(filepath.Join(dir, "example.com"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	run(t, t.Context(), "-cache", filepath.Join(home, "cache"), "bundle", "import", file(t, "bundle.tar", "")).wantOneLine(t, 2, "")
	if _, err := os.Stat(old); err == nil {
		t.Error("the old one is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the young one is not there: %v", err)
	}
}
