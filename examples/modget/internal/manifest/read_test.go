package manifest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Each archive in testdata/read is a project, says which of its files are read,
// and what they want.
func TestRead(t *testing.T) {
	archives, err := filepath.Glob("testdata/read/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			want := unpack(t, archive)
			_, files, _ := strings.Cut(string(archive.Comment), "\nread ")
			var got manifest.Manifest
			for file := range strings.FieldsSeq(files) {
				m, err := manifest.Read(filepath.FromSlash(file))
				if err != nil {
					t.Fatal(err)
				}
				got = got.Add(m)
			}
			if diff := cmp.Diff(want, render(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A list may be from an editor that begins a file with a byte order mark, and ends
// lines in its own way.
func TestReadListOfAnyEditor(t *testing.T) {
	m, err := manifest.ReadList("list", strings.NewReader("\ufeffa.example/a@v1.0.0\r\n# b\r\nb.example/b@v1"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("module a.example/a@v1.0.0\nquery b.example/b@v1\nno sums\n", render(m)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// unpack writes the files of an archive to the current directory, and returns the
// one that is called want.
func unpack(t testing.TB, archive *txtar.Archive) (want string) {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		write(t, f.Name, string(f.Data))
	}
	return want
}

func write(t testing.TB, name, content string) {
	t.Helper()
	name = filepath.FromSlash(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// render writes a manifest as the archives have it.
func render(m manifest.Manifest) string {
	var b strings.Builder
	for _, v := range m.Modules {
		fmt.Fprintf(&b, "module %s@%s\n", v.Path, v.Version)
	}
	for _, v := range m.Mods {
		fmt.Fprintf(&b, "mod %s@%s\n", v.Path, v.Version)
	}
	for _, q := range m.Queries {
		fmt.Fprintf(&b, "query %v\n", q)
	}
	for _, v := range m.Roots {
		fmt.Fprintf(&b, "root %s@%s\n", v.Path, v.Version)
	}
	for _, path := range m.Own {
		fmt.Fprintf(&b, "own %s\n", path)
	}
	if m.Sums == nil {
		b.WriteString("no sums\n")
	} else {
		fmt.Fprintf(&b, "sums of %d files\n", len(m.Sums.Files()))
	}
	for _, s := range m.Skipped {
		fmt.Fprintf(&b, "skipped %s: %s\n", s.What, s.Why)
	}
	return b.String()
}
