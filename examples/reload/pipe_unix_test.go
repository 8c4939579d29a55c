//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// A pipe that nobody writes to is a mistake like any other: the program goes on,
// and ends when it is told to.
func TestPipeInPlaceOfTheFile(t *testing.T) {
	source := fixture.NewSource(t)
	p := start(t, sources(source.URL), time.Millisecond)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(pipe, p.file); err != nil {
		t.Fatal(err)
	}
	if got := p.output.After(t, "the old sources stay: "); !strings.Contains(got, p.file+" is not a regular file") {
		t.Errorf("the log says %q", got)
	}
	fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/hello@v1.1.0")
}
