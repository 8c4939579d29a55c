package upstreamtest_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
)

// shelf is what every Upstream under test serves.
var shelf = map[string]string{
	"github.com/!x/@v/list":                              "v1.0.0\n",
	"github.com/!x/@latest":                              `{"Version":"v1.0.0"}`,
	"github.com/!x/@v/v1.0.0.info":                       `{"Version":"v1.0.0"}`,
	"github.com/!x/@v/main.info":                         `{"Version":"v1.0.0"}`,
	"github.com/!x/@v/v1.0.0.mod":                        "module github.com/X\n",
	"github.com/!x/@v/v1.0.0.zip":                        "PK" + strings.Repeat("z", 100<<10),
	"git.example/x/v2/@v/v2.0.0+incompatible.info":       `{"Version":"v2.0.0+incompatible"}`,
	"git.example/x/v2/@v/v2.0.0.mod":                     "",
	"gopkg.in/y.v3/@v/list":                              "",
	"sumdb/sum.example/supported":                        "",
	"sumdb/sum.example/latest":                           "tree\n",
	"sumdb/sum.example/lookup/github.com/!x@v1.0.0":      "1\nsum\n",
	"sumdb/sum.example:443/mirror/tile/8/data/000.p/255": "tile",
}

// only returns the part of the shelf whose keys begin with a prefix.
func only(prefix string) map[string]string {
	part := maps.Clone(shelf)
	maps.DeleteFunc(part, func(key, _ string) bool { return !strings.HasPrefix(key, prefix) })
	return part
}

func memory(files map[string]string) upstream.Upstream {
	fsys := make(fstest.MapFS)
	for key, body := range files {
		fsys[key] = &fstest.MapFile{Data: []byte(body)}
	}
	return upstream.FS("memory", fsys)
}

// proxy returns an HTTP source for files. If sized is false its server does not
// say how large a body is.
func proxy(t *testing.T, files map[string]string, sized bool) upstream.Upstream {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := files[strings.TrimPrefix(r.URL.Path, "/go/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if !sized {
			http.NewResponseController(w).Flush()
		}
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	u, err := upstream.NewHTTP(server.URL+"/go/", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	return u
}

func directory(t *testing.T, files map[string]string) upstream.Upstream {
	root := t.TempDir()
	for key, body := range files {
		name := filepath.Join(root, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(body), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return upstream.Dir(root)
}

func TestShippedUpstreams(t *testing.T) {
	empty := func() upstream.Upstream { return memory(nil) }
	tests := map[string]upstream.Upstream{
		"HTTP":          proxy(t, shelf, true),
		"HTTP, chunked": proxy(t, shelf, false),
		"FS":            memory(shelf),
		"Dir":           directory(t, shelf),
		"Fallback": upstream.Fallback(
			upstream.Step{Upstream: memory(only("github.com"))},
			upstream.Step{Upstream: proxy(t, shelf, true), OnAnyError: true},
			upstream.Step{Upstream: upstream.Direct()},
		),
		"Mirrors": upstream.Mirrors(empty(), directory(t, only("sumdb")), proxy(t, shelf, true)),
		"Routes": upstream.Routes(memory(shelf),
			upstream.Route{Patterns: "git.example", Upstream: proxy(t, only("git.example"), true)},
			upstream.Route{Patterns: "gopkg.in", Upstream: directory(t, only("gopkg.in"))},
		),
		"nested": upstream.Routes(
			upstream.Mirrors(empty(), upstream.Fallback(upstream.Step{Upstream: empty()}, upstream.Step{Upstream: memory(shelf)})),
			upstream.Route{Patterns: "git.example", Upstream: upstream.Mirrors(memory(only("git.example")))},
		),
	}
	for name, u := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := upstreamtest.Test(u, shelf); err != nil {
				t.Error(err)
			}
		})
	}
}
