package fetch_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// failDatabase has the origin fail for its checksum database and for nothing else.
func failDatabase(how func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/sumdb/") && how(w, r)
	}
}

func withDatabase(t *testing.T) (*origin.Origin, fetch.Options) {
	o := newOrigin(t)
	opts := proxyOptions(serve(t, o))
	opts.Go.GOSUMDB = o.VerifierKey
	opts.CacheDir = t.TempDir()
	return o, opts
}

// While the database is out, nothing that needs it is handed out or stored; the
// source's circuit for files stays closed; and when it is back, so are we.
func TestDatabaseOutage(t *testing.T) {
	faults := map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":     origin.Status(500),
		"garbage": page,
		"cut off": breakOff,
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			o, opts := withDatabase(t)
			c := newClient(t, opts)
			o.Fail(failDatabase(fault))
			for range 7 { // more than opens a circuit
				_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
				if err == nil || upstream.ClassOf(err) != upstream.Unavailable {
					t.Fatalf("got %v, want unavailable", err)
				}
				if want := "checksum database " + origin.DatabaseName + " cannot be asked"; !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			wantFiles(t, opts.CacheDir, ".mod", 0)
			// What needs no database is not touched by it.
			if got := readKey(t, c, "example.com/hello/@v/v1.0.0.info"); got == "" {
				t.Error("the .info file is not served")
			}
			o.Fail(nil)
			later := newClient(t, opts) // whose circuits are closed
			readKey(t, later, "example.com/hello/@v/v1.0.0.mod")
			flush(t, later)
			wantFiles(t, opts.CacheDir, ".mod", 1)
		})
	}
}

// One failure is forgotten at once: the next request succeeds.
func TestDatabaseFailureIsForgotten(t *testing.T) {
	o, opts := withDatabase(t)
	c := newClient(t, opts)
	o.Fail(failDatabase(origin.Status(500)))
	req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	if _, err := c.Fetch(t.Context(), req); err == nil {
		t.Fatal("no error")
	}
	o.Fail(nil)
	if _, err := upstream.ReadAll(t.Context(), c, req); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

func TestVersionThatTheDatabaseDoesNotKnow(t *testing.T) {
	o, opts := withDatabase(t)
	o.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/lookup/") {
			return false
		}
		w.WriteHeader(404)
		return true
	})
	c := newClient(t, opts)
	_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if upstream.ClassOf(err) != upstream.Denied || !strings.Contains(err.Error(), "GONOSUMDB") {
		t.Errorf("got %v, want denied, with the way out", err)
	}
	// What the sources do not have either is absent, not denied.
	_, err = c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.9.9"))
	if upstream.ClassOf(err) != upstream.NotFound {
		t.Errorf("got %v, want not found", err)
	}
}

func TestExemptModulesNeedNoDatabase(t *testing.T) {
	o, opts := withDatabase(t)
	o.Fail(failDatabase(origin.Status(500)))
	opts.Go.GONOSUMDB = "example.com/hello,golang.org/toolchain"
	c := newClient(t, opts)
	readKey(t, c, "example.com/hello/@v/v1.0.0.zip")
	for _, key := range o.Asked() {
		if strings.Contains(key, "lookup") {
			t.Errorf("asked for %s", key)
		}
	}
	_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/app", "v1.0.0"))
	if upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("what is not exempt: %v, want unavailable", err)
	}
}

// An entry that was stored while nothing was verified is verified where it is.
func TestOldEntriesAreVerifiedInPlace(t *testing.T) {
	o, opts := withDatabase(t)
	careless := opts
	careless.Go = &fetch.GoSettings{GOPROXY: opts.Go.GOPROXY, GOSUMDB: "off"}
	const good, bad = "example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.1.0.mod"
	o.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/"+bad {
			return false
		}
		w.Write(appended(o.File(bad)))
		return true
	})
	before := newClient(t, careless)
	readKey(t, before, good)
	readKey(t, before, bad)
	o.Fail(nil)
	o.Asked()
	c := newClient(t, opts)
	for range 2 {
		for _, key := range []string{good, bad} {
			if got := readKey(t, c, key); got != string(o.File(key)) {
				t.Errorf("%s is not the true one", key)
			}
		}
	}
	fetched := map[string]int{}
	for _, key := range o.Asked() {
		fetched[key]++
	}
	if fetched[good] != 0 || fetched[bad] != 1 {
		t.Errorf("the good file was fetched %d times, the bad one %d times; want 0 and 1", fetched[good], fetched[bad])
	}
}

// vouching is a Verifier for one go.mod file that is down until it is up.
type vouching struct {
	up  atomic.Bool
	mod string // what it must be
}

func (v *vouching) Expect(context.Context, module.Version, upstream.Kind) (verify.Sums, error) {
	if !v.up.Load() {
		return verify.Sums{}, &upstream.Error{Source: "database", Status: 503}
	}
	sum, err := verify.HashMod(strings.NewReader(v.mod))
	return verify.Sums{Mod: []string{sum}, By: "database"}, err
}

func (v *vouching) Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want verify.Sums) error {
	return verify.Check(m, k, content, size, want)
}

func TestWhenReachable(t *testing.T) {
	const key, keptApart = "example.com/hello/@v/v1.0.0.mod", "unverified/example.com/hello/@v/v1.0.0.mod"
	for name, truth := range map[string]string{"it was true": goMod, "it was not": goMod + "// and more\n"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
				store := cache.NewMemory(nil)
				v := &vouching{mod: truth}
				c := newClient(t, fetch.Options{Upstream: source, Store: store, Verifier: v, WhenReachable: true})
				for range 2 {
					if got := readKey(t, c, key); got != goMod {
						t.Errorf("while it cannot be asked: %q", got)
					}
				}
				if n := source.calls.Load(); n != 1 {
					t.Errorf("%d downloads, want 1", n)
				}
				if holds(store, key) || !holds(store, keptApart) {
					t.Error("what is not verified is not kept apart")
				}
				v.up.Store(true)
				time.Sleep(time.Minute)
				synctest.Wait()
				if holds(store, keptApart) || holds(store, key) != (truth == goMod) {
					t.Errorf("afterwards: apart %v, verified %v", holds(store, keptApart), holds(store, key))
				}
			})
		})
	}
}

func holds(s cache.Store, key string) bool {
	e, err := s.Get(context.Background(), key)
	if err == nil {
		e.Body.Close()
	}
	return err == nil
}

// wantFiles checks how many files of the module protocol with that suffix are in
// a cache directory.
func wantFiles(t *testing.T, dir, suffix string, want int) {
	t.Helper()
	got := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".breakwater") {
			got++
		}
		return err
	})
	if err != nil || got != want {
		t.Errorf("%d files %s in %s, want %d (%v)", got, suffix, filepath.Base(dir), want, err)
	}
}

// flush waits until what was answered is stored.
func flush(t *testing.T, c *fetch.Client) {
	t.Helper()
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}
