package inspect_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/inspect"
	"github.com/google/go-cmp/cmp"
)

// Pipes, which block whoever opens them, are not opened.
func TestPipes(t *testing.T) {
	w := newWorld(t)
	tree := w.moduleCache(t)
	const zip, dir = "cache/download/example.com/hello/@v/v1.1.0.zip", "example.com/!shout@v1.0.0-!r!c.1"
	for _, name := range []string{zip, zip + "hash", dir + "/pipe", "pipe"} {
		name = filepath.Join(tree, name)
		if err := syscall.Unlink(name); err != nil && err != syscall.ENOENT {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(name, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: w.database(t), Exempt: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	want := []brief{
		{hello, zip, inspect.Unreadable}, {hello, zip + "hash", inspect.Unreadable}, {shout, dir, inspect.Modified},
	}
	if diff := cmp.Diff(want, briefs(report.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
