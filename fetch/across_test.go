package fetch_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// All who want a checksum database's record at the same time, for two files of a
// module or for itself, have it asked for once; and if it cannot be had, that is
// the outcome for all. Who comes while what was asked for is being proven waits
// for that, too.
func TestOneLookUpForAll(t *testing.T) {
	const lookUp = "/sumdb/sum.example.com/lookup/public.example/m00@v1.0.0"
	wanted := []string{"/public.example/m00/@v/v1.0.0.mod", "/public.example/m00/@v/v1.0.0.zip", lookUp}
	tests := []struct {
		name    string
		weather weather
		apart   time.Duration     // between one who asks and the next
		first   upstream.Priority // of the one who asks first
		works   bool
	}{
		{"at once", nil, 0, upstream.Interactive, true},
		{"while the tiles are asked for", onlyFor("/tile/", late(time.Second)), 300 * time.Millisecond, upstream.Interactive, true},
		{"after one in the background", nil, 10 * time.Millisecond, upstream.Background, true},
		{"in an outage, at once", onlyFor("/lookup/", statusOf(503, 0)), 0, upstream.Interactive, false},
		{"in an outage, one after another", onlyFor("/lookup/", statusOf(503, 0)), 10 * time.Millisecond, upstream.Interactive, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := chaosOrigin(t, "public.example", 20)
				m := newMirror("mirror", o, 1)
				m.setLatency(40 * time.Millisecond)
				m.set(tt.weather)
				c := newClient(t, fetch.Options{Upstream: m.overPipes(t), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
				var all sync.WaitGroup
				ctx := upstream.WithPriority(t.Context(), func() upstream.Priority { return tt.first })
				for _, path := range wanted {
					req, err := upstream.ParsePath(path)
					if err != nil {
						t.Fatal(err)
					}
					asking := ctx
					all.Go(func() {
						resp, err := c.Fetch(asking, req)
						if err == nil {
							resp.Body.Close()
						}
						if (err == nil) != tt.works {
							t.Errorf("%s: %v", path, err)
						}
					})
					time.Sleep(tt.apart)
					ctx = t.Context()
				}
				all.Wait()
				asked := slices.DeleteFunc(m.paths(), func(path string) bool { return !strings.Contains(path, "/lookup/") })
				if diff := cmp.Diff([]string{lookUp}, asked); diff != "" {
					t.Errorf("look-ups (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Two who share a directory, as two processes do, ask once for a record and for a
// tile: the second waits until the first has proven what it got, and finds it.
func TestOneLookUpForAllWhoShare(t *testing.T) {
	const (
		first  = "/sumdb/sum.example.com/lookup/public.example/m00@v1.0.0"
		second = "/sumdb/sum.example.com/lookup/public.example/m01@v1.1.0"
		tile   = "/sumdb/sum.example.com/tile/8/0/000.p/20"
	)
	tests := []struct {
		name   string
		wanted [2]string // by either
		want   []string
	}{
		{"one record", [2]string{first, first}, []string{first, tile}},
		{"a record for a module", [2]string{first, "/public.example/m00/@v/v1.0.0.mod"}, []string{first, tile}},
		{"two records below one tile", [2]string{first, second}, []string{first, second, tile}},
		{"a record and a tile", [2]string{first, tile}, []string{first, tile}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := chaosOrigin(t, "public.example", 20)
				m := newMirror("mirror", o, 1)
				m.set(onlyFor("/tile/", late(time.Second)))
				source, dir := m.overPipes(t), t.TempDir()
				var all sync.WaitGroup
				for _, path := range tt.wanted {
					c := newClient(t, fetch.Options{Upstream: source, CacheDir: dir, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
					req, err := upstream.ParsePath(path)
					if err != nil {
						t.Fatal(err)
					}
					all.Go(func() {
						resp, err := c.Fetch(t.Context(), req)
						if err != nil {
							t.Error(err)
							return
						}
						resp.Body.Close()
					})
					time.Sleep(300 * time.Millisecond)
				}
				all.Wait()
				asked := slices.DeleteFunc(m.paths(), func(path string) bool {
					return !strings.Contains(path, "/lookup/") && !strings.Contains(path, "/tile/")
				})
				slices.Sort(asked)
				if diff := cmp.Diff(tt.want, asked); diff != "" {
					t.Errorf("the database was asked for (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// late is a weather in which what is asked for takes longer.
func late(d time.Duration) weather {
	return func(_ *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
		return w, !pause(r.Context(), d)
	}
}
