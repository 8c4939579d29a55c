//go:build unix

package manifest_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
)

// A pipe beside a go.sum file, which was not asked for, is not waited for.
func TestPipeBesideGoSum(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "go.mod"), 0o600); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(dir, "go.sum")
	if err := os.WriteFile(file, []byte("a.example/a v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Read(file)
	if err != nil || len(m.Modules) != 1 || len(m.Roots) > 0 {
		t.Errorf("got %+v, %v", m, err)
	}
}
