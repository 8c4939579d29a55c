package manifest_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func FuzzReadList(f *testing.F) {
	for _, seed := range []string{
		"a.example/a@v1.0.0\n", "a.example/a@latest # x\r\n", "\ufeffa.example/A@<v1.0.0", "a@b@c", "#", "go@1.22", "std@",
		"a.example/a@>=", "gopkg.in/y.v3@v3.0.0", "a.example/a/v2@v2.0.0+incompatible", "<<<<<<<", "a.example/a@\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.ReadList("list", bytes.NewReader(data))
		holds(t, m, err)
	})
}

func FuzzReadFiles(f *testing.F) {
	for _, seed := range []string{
		"# a.example/a v1.0.0\n## explicit; go 1.21\na.example/a\n", "# a.example/a v1.0.0 => b.example/b v1.0.0\n## explicit\n",
		"# a.example/a => ./a\n", "# a.example/a v1.0.0 => ../with space\n", "## workspace\n", "# a.example/a\n", "# a.example/a v0\n## explicit\n", "# \n", "a",
	} {
		f.Add("modules.txt", []byte(seed))
	}
	f.Add("go.mod", []byte("module a.example/a\ngo 1.16\nrequire b.example/b v1.0.0\nreplace b.example/b => ./b\n"))
	f.Add("go.work", []byte("go 1.21\nuse .\n"))
	f.Add("go.sum", []byte("a.example/a v1.0.0 h1:a=\na.example/a v1.0.0/go.mod h1:b=\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		switch name {
		case "go.mod", "go.work", "go.sum", "modules.txt":
		default:
			t.Skip("a list, which has a test of its own")
		}
		file := filepath.Join(t.TempDir(), name)
		write(t, file, string(data))
		m, err := manifest.Read(file)
		holds(t, m, err)
	})
}

// holds checks what is promised of any manifest: all in it can be asked for, and it
// is in order; what is wrong is one line, and not a long one.
func holds(t *testing.T, m manifest.Manifest, err error) {
	t.Helper()
	if err != nil {
		if _, ok := errors.AsType[*manifest.Error](err); !ok || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 5000 {
			t.Fatalf("%T: %[1]q", err)
		}
		return
	}
	for _, v := range m.Modules {
		if _, err := upstream.NewRequest(upstream.Zip, v.Path, v.Version); err != nil {
			t.Error(err)
		}
	}
	for _, v := range m.Mods {
		if _, err := upstream.NewRequest(upstream.Mod, v.Path, v.Version); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(m, m.Add(m), wantedOnly); diff != "" {
		t.Errorf("not in order, or something twice: %s", diff)
	}
}
