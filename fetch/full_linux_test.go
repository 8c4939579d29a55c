package fetch_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

// On a disk that is far too small every request is served, and right; room is made
// all the time, and what is asked for again and again gets a place in the end.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("making a small file system takes the right to: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	o := chaosOrigin(t, "public.example", 34)
	m := newMirror("mirror", o, 1)
	c := newClient(t, fetch.Options{
		Upstream: m.overSockets(t), CacheDir: dir, MemoryBytes: -1, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey},
	})
	s := &storm{mirrors: [3]*mirror{m}, client: c}
	for range 3 {
		for _, what := range s.run(t, t.Context(), o.Keys(), 4).wrong {
			t.Error(what)
		}
	}
	m.paths()
	var small []string
	for _, key := range o.Keys() {
		if strings.HasSuffix(key, ".mod") {
			small = append(small, key)
		}
	}
	for range 20 {
		for _, what := range s.run(t, t.Context(), small, 1).wrong {
			t.Error(what)
		}
	}
	if asked := len(m.paths()); asked > 4*len(small) {
		t.Errorf("the source was asked %d times for %d files that were asked for 20 times each", asked, len(small))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
