package fetch_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// The same weather over real sockets and a cache on disk: every file is there,
// and afterwards nothing is left behind.
func TestChaosSockets(t *testing.T) {
	for _, scenario := range scenarios {
		before := takeStock()
		t.Run(scenario.name, func(t *testing.T) {
			dir := t.TempDir()
			opts := fetch.Options{CacheDir: dir}
			s := newStorm(t, opts, 4*time.Millisecond, func(m *mirror) upstream.Upstream { return m.overSockets(t) })
			scenario.set(s)
			r := s.run(t, t.Context(), s.keys(), 8)
			t.Logf("%-26s %v", scenario.name, r)
			for _, what := range r.wrong {
				t.Error(what)
			}
			if err := s.client.Close(); err != nil {
				t.Error(err)
			}
			s.checkRoutes(t)
			if left := filesIn(t, filepath.Join(dir, ".breakwater", "tmp")); len(left) > 0 {
				t.Errorf("left in the cache's temporary directory: %v", left)
			}
		})
		before.compare(t, scenario.name)
	}
}

// A stock is how much there is of what a program can leave behind.
type stock struct{ goroutines, files int }

func takeStock() stock {
	files, _ := os.ReadDir("/proc/self/fd") // nothing elsewhere
	return stock{runtime.NumGoroutine(), len(files)}
}

// compare fails the test if there is more than before, in the end: what was
// closed may take a moment to go.
func (before stock) compare(t *testing.T, name string) {
	t.Helper()
	var now stock
	for range 200 {
		now = takeStock()
		if now.goroutines <= before.goroutines && now.files <= before.files {
			return
		}
		pause(t.Context(), 10*time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("after %q there are %+v, before it %+v\n%s", name, now, before, stacks[:runtime.Stack(stacks, true)])
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
