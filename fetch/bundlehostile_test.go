//go:build unix

package fetch_test

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A bundle in which there is a pipe, and a link to a file outside of it, is read
// without waiting for a writer and without leaving it.
func TestImportOfPipesAndLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	versions := filepath.Join(dir, "example.com", "m", "@v")
	secret := filepath.Join(outside, "go.mod")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("module example.com/m\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(versions, "v1.0.0.mod")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(versions, "v1.1.0.mod"), 0o666); err != nil {
		t.Skip(err)
	}
	c := newClient(t, fetch.Options{Upstream: upstream.Off(), Store: cache.NewMemory(nil)})
	if n, err := c.Import(t.Context(), dir); n != 0 || err != nil {
		t.Errorf("imported %d files: %v", n, err)
	}
}

// Importing asks nobody: what the checksum database says is in the bundle, or the
// import fails.
func TestImportAsksNobody(t *testing.T) {
	var asked atomic.Int64
	database := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(500)
	}))
	dir := t.TempDir()
	versions := filepath.Join(dir, "example.com", "m", "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(versions, "v1.0.0.mod"), []byte("module example.com/m\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	o := newOrigin(t)
	c := newClient(t, fetch.Options{
		Upstream: upstream.Off(), Store: cache.NewMemory(nil), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey + " " + database},
	})
	if _, err := c.Import(t.Context(), dir); err == nil {
		t.Error("what nobody vouches for was imported")
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the checksum database was asked %d times", n)
	}
}
