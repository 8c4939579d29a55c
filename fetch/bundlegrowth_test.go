package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A growing is a proxy of an origin's modules with a checksum database that
// grows.
type growing struct {
	*origin.Origin
	key      string
	records  *sumdb.TestServer
	database http.Handler
	others   int // records of modules that there are not
}

func newGrowing(t *testing.T, o *origin.Origin) *growing {
	t.Helper()
	signer, key, err := note.GenerateKey(nil, origin.DatabaseName)
	if err != nil {
		t.Fatal(err)
	}
	g := &growing{Origin: o, key: key}
	g.records = sumdb.NewTestServer(signer, g.record)
	g.database = http.StripPrefix("/sumdb/"+origin.DatabaseName, sumdb.NewServer(g.records))
	return g
}

// record returns what the origin's own database says, and something for modules
// that there are not.
func (g *growing) record(path, version string) ([]byte, error) {
	if strings.HasPrefix(path, "other.example/") {
		return fmt.Appendf(nil, "%[1]s %[2]s h1:x\n%[1]s %[2]s/go.mod h1:x\n", path, version), nil
	}
	answer := httptest.NewRecorder()
	g.Origin.ServeHTTP(answer, httptest.NewRequest("GET", "/sumdb/"+origin.DatabaseName+"/lookup/"+path+"@"+version, nil))
	_, text, _, err := tlog.ParseRecord(answer.Body.Bytes())
	return text, err
}

// grow adds records of so many modules.
func (g *growing) grow(t *testing.T, by int) {
	t.Helper()
	for range by {
		g.others++
		m := module.Version{Path: fmt.Sprintf("other.example/m%d", g.others), Version: "v1.0.0"}
		if _, err := g.records.Lookup(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *growing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/sumdb/") && !strings.HasSuffix(r.URL.Path, "/supported") {
		g.database.ServeHTTP(w, r)
		return
	}
	g.Origin.ServeHTTP(w, r)
}

// While the checksum database grows, one bundle after the other is imported, if
// they were exported into one directory, whose modules may be gone. One that was
// begun afresh lacks the proof that the database has only grown.
func TestImportOfLaterBundles(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, dir string) (next string) // where to export to
		lost   int                                          // the bundle that is not imported
		works  bool
	}{
		{"into the same directory", func(_ *testing.T, dir string) string { return dir }, 0, true},
		{"with one that was lost", func(_ *testing.T, dir string) string { return dir }, 2, true},
		{"without the old modules", func(t *testing.T, dir string) string {
			if err := os.RemoveAll(filepath.Join(dir, "public.example")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, 0, true},
		{"begun afresh", func(t *testing.T, _ string) string { return t.TempDir() }, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGrowing(t, chaosOrigin(t, "public.example", 20))
			settings := &fetch.GoSettings{GOSUMDB: g.key, GOPROXY: serve(t, g)}
			near := newClient(t, fetch.Options{Go: settings})
			far := newClient(t, fetch.Options{Upstream: upstream.Off(), Go: settings})
			dir := t.TempDir()
			for i := range 3 {
				if i > 0 {
					dir = tt.before(t, dir)
				}
				g.grow(t, 700)
				files, err := fetch.ModuleFiles(module.Version{Path: fmt.Sprintf("public.example/m%02d", i), Version: fmt.Sprintf("v1.%d.0", i)})
				if err != nil {
					t.Fatal(err)
				}
				if err := near.Export(t.Context(), dir, files); err != nil {
					t.Fatal(err)
				}
				if i+1 == tt.lost {
					continue
				}
				_, err = far.Import(t.Context(), dir)
				if works := i == 0 || tt.works; (err == nil) != works {
					t.Errorf("bundle %d: %v", i+1, err)
				}
				if err != nil && !strings.Contains(err.Error(), "exported into the directory") {
					t.Errorf("the error does not say what to do: %v", err)
				}
			}
		})
	}
}
