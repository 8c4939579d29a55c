package fetch_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

func TestResolve(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	tests := []struct{ path, query, want string }{
		{"example.com/hello", "latest", "v1.1.0"},
		{"example.com/hello", "", "v1.1.0"},
		{"example.com/hello", "upgrade", "v1.1.0"},
		{"example.com/hello", "v1.0.0", "v1.0.0"},
		{"example.com/hello", "v1.2.0-rc.1", "v1.2.0-rc.1"},
		{"example.com/hello", "v1", "v1.1.0"},
		{"example.com/hello", "v1.0", "v1.0.0"},
		{"example.com/hello", "v1.2", "v1.2.0-rc.1"},
		{"example.com/hello", "<v1.1.0", "v1.0.0"},
		{"example.com/hello", "<=v1.1.0", "v1.1.0"},
		{"example.com/hello", ">v1.0.0", "v1.1.0"},
		{"example.com/hello", ">=v1.0.0", "v1.0.0"},
		{"example.com/hello", ">v1.1.0", "v1.2.0-rc.1"},
		{"example.com/retracted", "latest", "v1.0.0"},
		{"example.com/retracted", "v1.0", "v1.0.0"},
		{"example.com/retracted", "v1.0.1", "v1.0.1"},
		{"example.com/untagged", "latest", "v0.0.0-20240102030405-0123456789ab"},
		{"example.com/Shout", "latest", "v1.0.0"},
		{"example.com/hello", ">v9.0.0", ""},
		{"example.com/hello", "no-such-branch", ""},
		{"example.com/nothing", "latest", ""},
		{"not a path", "latest", ""},
	}
	for _, tt := range tests {
		got, err := fetch.Resolve(t.Context(), c, tt.path, tt.query)
		if got.Version != tt.want {
			t.Errorf("%s@%s = %q, %v; want %q", tt.path, tt.query, got.Version, err, tt.want)
		}
		if tt.want == "" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s@%s: got %v, want not found", tt.path, tt.query, err)
		}
	}
}

func TestResolveTellsOutageFromAbsence(t *testing.T) {
	o := newOrigin(t)
	url := serve(t, o)
	for _, suffix := range []string{"/@v/list", ".mod", ".info"} {
		o.Fail(failSuffix(suffix))
		c := newClient(t, proxyOptions(url))
		if _, err := fetch.Resolve(t.Context(), c, "example.com/hello", "latest"); upstream.ClassOf(err) != upstream.Unavailable || err == nil {
			t.Errorf("%s unavailable: got %v", suffix, err)
		}
	}
}

func TestExtract(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	dir := filepath.Join(t.TempDir(), "hello")
	m := module.Version{Path: "example.com/hello", Version: "v1.0.0"}
	if err := fetch.Extract(t.Context(), c, m, dir); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"LICENSE", "go.mod", "hello.go"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := fetch.Extract(t.Context(), c, m, dir); err == nil {
		t.Error("extracting over files succeeded")
	}
}

func TestSaveZip(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	m := module.Version{Path: "example.com/hello", Version: "v1.0.0"}
	dir := t.TempDir()
	file := filepath.Join(dir, "hello.zip")
	for range 2 { // again, over the first
		if err := fetch.SaveZip(t.Context(), c, m, file); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.File("example.com/hello/@v/v1.0.0.zip"), got); diff != "" {
		t.Error("the file is not the zip")
	}
	m.Version = "v1.9.9"
	if err := fetch.SaveZip(t.Context(), c, m, file+".absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want not found", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v in the directory (%v), want only the zip", entries, err)
	}
}
