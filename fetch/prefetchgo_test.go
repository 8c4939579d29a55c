package fetch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
)

// graph returns an origin of a module graph: so many levels of so many modules, each of
// which requires four of the next level.
func graph(t testing.TB, levels, width int, goVersion string) *origin.Origin {
	t.Helper()
	files := fstest.MapFS{}
	for level := range levels {
		for i := range width {
			var goMod strings.Builder
			fmt.Fprintf(&goMod, "module graph.example/l%d/m%d\n\ngo %s\n", level, i, goVersion)
			for j := 0; j < 4 && level+1 < levels; j++ {
				fmt.Fprintf(&goMod, "\nrequire graph.example/l%d/m%d v1.0.0\n", level+1, (3*i+j)%width)
			}
			name := fmt.Sprintf("graph.example/l%d/m%d@v1.0.0.txtar", level, i)
			files[name] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- go.mod --\n%s-- m.go --\npackage m\n", goMod.String())}
		}
	}
	o, err := origin.New(files)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// How long the real go command takes with a graph of 60 modules, by a Client with an
// empty store in front of an origin that is 20 ms away, with prefetch and without, and
// how often the origin is asked. The go command takes turns with itself, so that a busy
// machine slows down both.
func BenchmarkPrefetch(b *testing.B) {
	variants := []struct {
		name    string
		options *fetch.PrefetchOptions
	}{
		{"off", nil},
		{"on", &fetch.PrefetchOptions{}},
	}
	for _, graphs := range []struct {
		name, goVersion string
		args            []string
	}{
		{"unpruned/list", "1.16", []string{"list", "-m", "all"}},
		{"pruned/list", "1.21", []string{"list", "-m", "all"}},
		{"pruned/get", "1.21", []string{"get", "graph.example/l0/m0@latest"}},
		{"unpruned/download", "1.16", []string{"mod", "download", "all"}},
	} {
		b.Run(graphs.name, func(b *testing.B) {
			o := graph(b, 5, 12, graphs.goVersion)
			took := make([][]time.Duration, len(variants))
			asked := make([]int, len(variants))
			for b.Loop() {
				for i, v := range variants {
					o.Asked()
					took[i] = append(took[i], runGo(b, o, v.options, graphs.goVersion, graphs.args))
					asked[i] = len(o.Asked())
				}
			}
			for i, v := range variants {
				slices.Sort(took[i])
				b.ReportMetric(float64(took[i][len(took[i])/2].Milliseconds()), "ms-"+v.name)
				b.ReportMetric(float64(asked[i]), "asked-"+v.name)
			}
		})
	}
}

// runGo has a go command with an empty module cache do its work, for a main module that
// requires the first level, and returns how long it took.
func runGo(b *testing.B, o *origin.Origin, prefetch *fetch.PrefetchOptions, goVersion string, args []string) time.Duration {
	b.Helper()
	o.Fail(func(http.ResponseWriter, *http.Request) bool {
		time.Sleep(20 * time.Millisecond)
		return false
	})
	opts := proxyOptions(serve(b, o))
	opts.Prefetch = prefetch
	c := newClient(b, opts)
	proxy := httptest.NewServer(fetch.NewHandler(c, nil))
	defer proxy.Close()
	dir := b.TempDir()
	goMod := fmt.Sprintf("module main.example\n\ngo %s\n", goVersion)
	for i := 0; i < 12 && args[0] != "get"; i++ {
		goMod += fmt.Sprintf("\nrequire graph.example/l0/m%d v1.0.0\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(goMod), 0o666); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY="+proxy.URL, "GOSUMDB=off", "GONOSUMDB=", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local",
		"GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+filepath.Join(dir, "modcache"))
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(begun)
	if err := c.Close(); err != nil {
		b.Error(err)
	}
	return took
}
