package fetch_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// The sources are replaced again and again while callers come and go: no request
// fails, what is stored stays, and who was taken out is not asked any more.
func TestReconfigureUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := chaosOrigin(t, "public.example", 30)
		a, b := newMirror("a", o, 1), newMirror("b", o, 2)
		a.setLatency(40 * time.Millisecond)
		b.setLatency(40 * time.Millisecond)
		store := cache.NewMemory(nil)
		options := func(m *mirror) *fetch.Options {
			return &fetch.Options{
				Upstream: upstream.Mirrors(m.overPipes(t)), Store: store,
				Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey},
			}
		}
		c := newClient(t, *options(a))
		s := &storm{mirrors: [3]*mirror{a}, client: c}
		var load sync.WaitGroup
		keys := s.mirrors[0].origin.Keys()
		load.Go(func() {
			for range 3 {
				for _, what := range s.run(t, t.Context(), keys, 4).wrong {
					t.Error(what)
				}
			}
		})
		for i := range 20 {
			time.Sleep(50 * time.Millisecond)
			if err := c.Reconfigure(options([]*mirror{b, a}[i%2])); err != nil {
				t.Fatal(err)
			}
		}
		load.Wait()
		if err := c.Reconfigure(options(b)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.paths()
		b.paths()
		for _, what := range s.run(t, t.Context(), keys, 4).wrong {
			t.Error(what)
		}
		if asked := a.paths(); len(asked) > 0 {
			t.Errorf("the source that was taken out was asked for %v", asked)
		}
		for _, path := range b.paths() {
			if req, err := upstream.ParsePath(path); err == nil && req.Immutable() {
				t.Errorf("asked for %s again, which was stored", path)
			}
		}
	})
}

// A request that is under way when its source is taken out is finished by it.
func TestReconfigureFinishesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		old, next := newMirror("old", o, 1), newMirror("new", o, 2)
		old.setLatency(10 * time.Second)
		c := newClient(t, fetch.Options{Upstream: old.overPipes(t)})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		answered := make(chan string, 1)
		go func() {
			resp, err := c.Fetch(t.Context(), req)
			if err != nil {
				t.Error(err)
				answered <- ""
				return
			}
			answered <- read(t, resp)
		}()
		synctest.Wait()
		if err := c.Reconfigure(&fetch.Options{Upstream: next.overPipes(t), Go: &fetch.GoSettings{GOSUMDB: "off"}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"http://new.example"}, c.Sources()); diff != "" {
			t.Errorf("sources (-want +got):\n%s", diff)
		}
		if got, want := <-answered, string(o.File(req.Key())); got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
		if asked := next.paths(); len(asked) > 0 {
			t.Errorf("the new source was asked for %v", asked)
		}
	})
}

// What hangs at a source that was taken out is in nobody's way: neither the turns
// that are taken in this process, nor the locks on a directory that others share.
func TestReconfigureLeavesBehindWhatHangs(t *testing.T) {
	tests := []struct {
		name string
		key  string
		open func(t *testing.T) cache.Store
	}{
		{"a file, in memory", "public.example/m00/@v/v1.0.0.mod", memoryStore},
		{"a file, on disk", "public.example/m00/@v/v1.0.0.mod", sharedStore},
		{"a look-up, in memory", "sumdb/sum.example.com/lookup/public.example/m00@v1.0.0", memoryStore},
		{"a look-up, on disk", "sumdb/sum.example.com/lookup/public.example/m00@v1.0.0", sharedStore},
		{"a tile, on disk", "sumdb/sum.example.com/tile/8/0/000.p/20", sharedStore},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := chaosOrigin(t, "public.example", 20)
				old, next := newMirror("old", o, 1), newMirror("new", o, 2)
				if strings.Contains(tt.key, "/tile/") {
					old.set(onlyFor("/tile/", blackHole))
				} else {
					old.set(onlyFor(tt.key, blackHole))
				}
				store := tt.open(t)
				options := func(m *mirror) fetch.Options {
					return fetch.Options{Upstream: m.overPipes(t), Store: store, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}}
				}
				c := newClient(t, options(old))
				req, err := upstream.ParsePath("/" + tt.key)
				if err != nil {
					t.Fatal(err)
				}
				ctx, leave := context.WithCancel(t.Context())
				var waiting sync.WaitGroup
				defer waiting.Wait()
				defer leave()
				waiting.Go(func() {
					if resp, err := c.Fetch(ctx, req); err == nil {
						resp.Body.Close()
						t.Error("the source that hangs has answered")
					}
				})
				synctest.Wait()
				changed := options(next)
				if err := c.Reconfigure(&changed); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				resp, err := c.Fetch(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if took := time.Since(begun); took > time.Second {
					t.Errorf("the new source's answer took %v", took)
				}
			})
		})
	}
}

func memoryStore(*testing.T) cache.Store { return cache.NewMemory(nil) }

func sharedStore(t *testing.T) cache.Store {
	disk, err := cache.OpenDisk(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// onlyFor is a weather for the paths in which there is a text.
func onlyFor(text string, w weather) weather {
	return func(m *mirror, rw http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
		if !strings.Contains(r.URL.Path, text) {
			return rw, false
		}
		return w(m, rw, r)
	}
}

// Closing while a source that was taken out is still busy ends that, too.
func TestCloseWhileRetiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		old := newMirror("old", o, 1)
		old.set(blackHole)
		c := newClient(t, fetch.Options{Upstream: old.overPipes(t)})
		failed := make(chan error, 1)
		go func() {
			_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
			failed <- err
		}()
		synctest.Wait()
		if err := c.Reconfigure(&fetch.Options{Upstream: newMirror("new", o, 2).overPipes(t), Go: &fetch.GoSettings{GOSUMDB: "off"}}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("closing took %v", took)
		}
		if err := <-failed; upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("the caller got %v", err)
		}
		if err := c.Reconfigure(&fetch.Options{Upstream: old.overPipes(t), Go: &fetch.GoSettings{GOSUMDB: "off"}}); err == nil {
			t.Error("a closed Client was configured")
		}
	})
}

func TestReconfigureWithBadOptionsChangesNothing(t *testing.T) {
	c := newClient(t, proxyOptions("https://proxy.example"))
	for name, opts := range map[string]fetch.Options{
		"source list": {Go: &fetch.GoSettings{GOPROXY: "ftp://proxy.example", GOSUMDB: "off"}},
		"database":    {Go: &fetch.GoSettings{GOPROXY: "https://proxy.example", GOSUMDB: "a b c d"}},
		"patterns":    {Go: &fetch.GoSettings{GOPROXY: "https://proxy.example", GONOPROXY: "[", GOSUMDB: "off"}},
		"nil source":  {Upstream: upstream.Mirrors(nil), Go: &fetch.GoSettings{GOSUMDB: "off"}},
	} {
		if err := c.Reconfigure(&opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if diff := cmp.Diff([]string{"https://proxy.example"}, c.Sources()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// What is under way by the old options still counts.
func TestReconfigureKeepsTheCountOfFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, fetch.Options{Upstream: &scripted{answer: slowly}})
		var waiting sync.WaitGroup
		waiting.Go(func() { readKey(t, c, "example.com/hello/@v/list") })
		synctest.Wait()
		if err := c.Reconfigure(&fetch.Options{Upstream: upstream.Off(), Go: &fetch.GoSettings{GOSUMDB: "off"}}); err != nil {
			t.Fatal(err)
		}
		if n := c.Stats(); n.Flights != 1 || n.InFlight != 1 {
			t.Errorf("%d flights, %d in flight; want 1 and 1", n.Flights, n.InFlight)
		}
		waiting.Wait()
		if n := c.Stats(); n.Flights != 0 || n.InFlight != 0 {
			t.Errorf("afterwards %d flights, %d in flight; want none", n.Flights, n.InFlight)
		}
	})
}

// A file that was handed out unverified waits to be verified under other options, too.
func TestReconfigureKeepsWhatIsToBeVerified(t *testing.T) {
	tests := []struct {
		name                 string
		change               func(*fetch.Options)
		unverified, verified int64 // an hour later
	}{
		{"the same", func(*fetch.Options) {}, 0, 1},
		{"offline", func(o *fetch.Options) { o.Offline = true }, 1, 0},
		{"nothing is verified", func(o *fetch.Options) { o.Verifier = nil }, 0, 0},
		{"the name is claimed", func(o *fetch.Options) { o.Claimed = "example.com" }, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
				v := &vouching{mod: goMod}
				opts := fetch.Options{
					Upstream: source, Verifier: v, WhenReachable: true,
					Go: &fetch.GoSettings{GOSUMDB: "off"}, Logger: slog.New(slog.DiscardHandler),
				}
				c := newClient(t, opts)
				readKey(t, c, "example.com/hello/@v/v1.0.0.mod")
				tt.change(&opts)
				if err := c.Reconfigure(&opts); err != nil {
					t.Fatal(err)
				}
				if n := c.Stats().Unverified; n != 1 {
					t.Errorf("%d unverified files at once, want 1", n)
				}
				v.up.Store(true)
				time.Sleep(time.Hour)
				synctest.Wait()
				if n := c.Stats(); int64(n.Unverified) != tt.unverified || n.Verified != tt.verified {
					t.Errorf("%d unverified files later, %d verified; want %d and %d", n.Unverified, n.Verified, tt.unverified, tt.verified)
				}
				if n := source.calls.Load(); n != 1 {
					t.Errorf("the source was asked %d times, want once", n)
				}
			})
		})
	}
}
