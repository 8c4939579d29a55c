package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A library is a source of some files, by key, that notes what it is asked.
type library struct {
	files map[string]string
	delay time.Duration

	mu    sync.Mutex
	asked []string
	busy  int
	most  int                          // that it was asked for at once
	how   map[string]upstream.Priority // it was asked, at the end of the delay
	vias  map[string]string
}

func newLibrary(files map[string]string) *library {
	return &library{files: files, how: map[string]upstream.Priority{}, vias: map[string]string{}}
}

func (s *library) Name() string { return "library" }

func (s *library) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.enter(req.Key())
	defer s.leave(ctx, req.Key())
	select {
	case <-time.After(s.delay):
	case <-ctx.Done():
		return nil, upstream.ContextError(ctx, req, "library")
	}
	body, ok := s.files[req.Key()]
	switch {
	case body == "outage":
		return nil, outage(req)
	case !ok:
		return nil, absent(req)
	}
	return &upstream.Response{Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body)), Source: "library"}, nil
}

func (s *library) enter(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, key)
	s.busy++
	s.most = max(s.most, s.busy)
}

func (s *library) leave(ctx context.Context, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.how[key] = upstream.PriorityOf(ctx)
	s.vias[key] = upstream.Via(ctx)
}

// keys returns what it was asked for since the last call, sorted.
func (s *library) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	slices.Sort(asked)
	return asked
}

// modFile is a go.mod file of example.com/name that requires modules of example.com.
func modFile(name, goVersion string, requires ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module example.com/%s\n\ngo %s\n", name, goVersion)
	for _, other := range requires {
		fmt.Fprintf(&b, "require example.com/%s v1.0.0\n", other)
	}
	return b.String()
}

func modKey(name string) string { return "example.com/" + name + "/@v/v1.0.0.mod" }

// askFor has c answer for a key, and waits until nothing is done any more.
func askFor(t *testing.T, ctx context.Context, c fetch.Fetcher, key string) error {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.ReadAll(ctx, c, req)
	synctest.Wait()
	return err
}

// What one answer leads to. All of it is then at hand.
func TestPrefetch(t *testing.T) {
	on := &fetch.PrefetchOptions{}
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf("x%d", i)
	}
	hostile := modFile("hostile", "1.26", many...)
	files := map[string]string{
		modKey("a"):                    modFile("a", "1.26", "b", "c", "d"),
		modKey("b"):                    modFile("b", "1.26", "far"),
		modKey("c"):                    modFile("c", "1.16", "deep"),
		modKey("d"):                    modFile("d", "1.26"),
		modKey("deep"):                 modFile("deep", "1.16", "a", "deeper"),
		modKey("deeper"):               "module example.com/deeper\n",
		modKey("gap"):                  modFile("gap", "1.26", "none", "d"),
		modKey("own"):                  "module example.com/own\n\nrequire corp.example/secret v1.0.0\nreplace example.com/z => example.com/d v1.0.0\nexclude example.com/d v1.0.0\n",
		modKey("hostile"):              hostile,
		modKey("huge"):                 hostile + strings.Repeat("// filler\n", 30_000),
		"example.com/d/@latest":        `{"Version":"v1.0.0"}`,
		"example.com/d/@v/list":        "v1.0.0\n",
		"example.com/d/@v/main.info":   `{"Version":"v1.0.0"}`,
		"example.com/d/@v/v1.0.0.info": `{"Version":"v1.0.0"}`,
		"example.com/c/@v/v1.0.0.info": `{"Version":"v1.0.0"}`,
	}
	tests := []struct {
		name    string
		options *fetch.PrefetchOptions
		ask     string
		want    []string // modules whose go.mod files are fetched
		dropped int64
	}{
		{"off", nil, modKey("a"), []string{"a"}, 0},
		{"requirements, and theirs as far as the go command would go", on, modKey("a"), []string{"a", "b", "c", "d", "deep", "deeper"}, 0},
		{"of one that is pruned elsewhere", on, modKey("b"), []string{"b", "far"}, 0},
		{"at most so many", &fetch.PrefetchOptions{Files: 2}, modKey("a"), []string{"a", "b", "c"}, 2},
		{"an .info", on, "example.com/d/@v/v1.0.0.info", []string{"d"}, 0},
		{"an .info of what is not pruned", on, "example.com/c/@v/v1.0.0.info", []string{"a", "c", "deep", "deeper"}, 0},
		{"a query", on, "example.com/d/@v/main.info", []string{"d"}, 0},
		{"@latest", on, "example.com/d/@latest", []string{"d"}, 0},
		{"a list", on, "example.com/d/@v/list", nil, 0},
		{"what does not exist", on, modKey("gap"), []string{"gap", "none", "d"}, 0},
		{"what is claimed, replaced or excluded", on, modKey("own"), []string{"own"}, 0},
		{"too many", &fetch.PrefetchOptions{Queue: 10_000}, modKey("hostile"), append([]string{"hostile"}, many[:512]...), 3000 - 512},
		{"too large", on, modKey("huge"), []string{"huge"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := newLibrary(files)
				c := newClient(t, fetch.Options{Upstream: source, Prefetch: tt.options, Claimed: "corp.example"})
				if err := askFor(t, t.Context(), c, tt.ask); err != nil {
					t.Fatal(err)
				}
				var want []string
				for _, name := range tt.want {
					want = append(want, modKey(name))
				}
				if !strings.HasSuffix(tt.ask, ".mod") {
					want = append(want, tt.ask)
				}
				slices.Sort(want)
				if diff := cmp.Diff(want, source.keys()); diff != "" {
					t.Errorf("asked for (-want +got):\n%s", diff)
				}
				s := c.Stats()
				if s.Total() != 1 || s.Prefetch.Dropped != tt.dropped || s.Prefetch.Waiting != 0 {
					t.Errorf("stats: %d requests, %+v, want 1 and %d dropped", s.Total(), s.Prefetch, tt.dropped)
				}
				for _, key := range want {
					askFor(t, t.Context(), c, key)
				}
				if again := source.keys(); tt.options != nil && len(again) > len(want) {
					t.Errorf("asked again: %v", again)
				}
			})
		})
	}
}

// A caller who asks for a requirement makes no request any more, and one who comes
// while it is fetched waits for that.
func TestPrefetchServesCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newLibrary(map[string]string{
			modKey("a"): modFile("a", "1.26", "b", "c", "d"), modKey("b"): modFile("b", "1.26"),
			modKey("c"): modFile("c", "1.26"), modKey("d"): modFile("d", "1.26"),
		})
		source.delay = time.Second
		c := newClient(t, fetch.Options{Upstream: source, Prefetch: &fetch.PrefetchOptions{}, Limit: &breaker.LimitOptions{SmallFiles: 16}})
		ctx := upstream.WithVia(t.Context(), "1.1 edge")
		if err := askFor(t, ctx, c, modKey("a")); err != nil {
			t.Fatal(err)
		}
		askFor(t, t.Context(), c, modKey("b")) // which is being fetched
		time.Sleep(time.Second)
		for _, name := range []string{"b", "c", "d"} {
			if err := askFor(t, t.Context(), c, modKey(name)); err != nil {
				t.Error(err)
			}
		}
		if n := len(source.keys()); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
		priorities := map[string]upstream.Priority{
			modKey("a"): upstream.Interactive, modKey("b"): upstream.Interactive,
			modKey("c"): upstream.Background, modKey("d"): upstream.Background,
		}
		if diff := cmp.Diff(priorities, source.how); diff != "" {
			t.Errorf("priorities (-want +got):\n%s", diff)
		}
		if source.vias[modKey("c")] != "1.1 edge" {
			t.Errorf("Via of a prefetch: %q, want the caller's", source.vias[modKey("c")])
		}
		if s := c.Stats().Prefetch; s.Fetched != 3 || s.Failed != 0 {
			t.Errorf("stats: %+v, want 3 fetched", s)
		}
	})
}

// Few are fetched at once, few may wait, and what comes beyond is left alone.
func TestPrefetchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := make([]string, 100)
		files := map[string]string{}
		for i := range names {
			names[i] = fmt.Sprintf("m%d", i)
			files[modKey(names[i])] = modFile(names[i], "1.26")
		}
		files[modKey("a")] = modFile("a", "1.26", names...)
		source := newLibrary(files)
		source.delay = time.Second
		c := newClient(t, fetch.Options{Upstream: source, Prefetch: &fetch.PrefetchOptions{AtOnce: 3, Queue: 20}})
		if err := askFor(t, t.Context(), c, modKey("a")); err != nil {
			t.Fatal(err)
		}
		if s := c.Stats().Prefetch; s.Waiting > 20 || s.Waiting < 18 {
			t.Errorf("%d wait, want about 20", s.Waiting)
		}
		time.Sleep(time.Minute)
		if n := len(source.keys()); source.most > 3 || n < 20 || n > 24 {
			t.Errorf("%d requests, %d at once; want about 24, and 3", n, source.most)
		}
	})
}

// What lies in a slower store leads to a prefetch once in a while. What comes from
// memory, was asked for in the background, or may not cause requests leads to none.
func TestPrefetchAfterHits(t *testing.T) {
	background := func(ctx context.Context) context.Context {
		return upstream.WithPriority(ctx, func() upstream.Priority { return upstream.Background })
	}
	self := func(ctx context.Context) context.Context { return ctx }
	tests := []struct {
		name string
		with func(context.Context) context.Context
		dir  string // of the store; empty: it is memory
		want [3]int // requests of the first call, of those soon after, and of one much later
	}{
		{"disk", self, t.TempDir(), [3]int{1, 0, 1}},
		{"memory", self, "", [3]int{}},
		{"background", background, t.TempDir(), [3]int{}},
		{"offline", upstream.WithOffline, t.TempDir(), [3]int{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var store cache.Store = cache.NewMemory(nil)
				if tt.dir != "" {
					disk, err := cache.OpenDisk(tt.dir, nil)
					if err != nil {
						t.Fatal(err)
					}
					defer disk.Close()
					store = disk
				}
				source := newLibrary(map[string]string{modKey("a"): modFile("a", "1.26", "none")})
				opts := fetch.Options{Upstream: source, Store: store, NotFoundTTL: -1}
				if err := askFor(t, t.Context(), newClient(t, opts), modKey("a")); err != nil {
					t.Fatal(err)
				}
				source.keys()
				opts.Prefetch = &fetch.PrefetchOptions{}
				c := newClient(t, opts)
				var got [3]int
				for i, calls := range []int{1, 10, 1} {
					for range calls {
						if err := askFor(t, tt.with(t.Context()), c, modKey("a")); err != nil {
							t.Error(err)
						}
					}
					got[i] = len(source.keys())
					time.Sleep(time.Duration(i*11) * time.Minute)
				}
				if got != tt.want {
					t.Errorf("requests %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// When a source fails, nothing more follows from the answer, nobody hears of it, and a
// caller's own request is made as ever.
func TestPrefetchFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := map[string]string{
			modKey("a"):    modFile("a", "1.26", "down", "b", "c"),
			modKey("down"): "outage", modKey("b"): modFile("b", "1.26"), modKey("c"): modFile("c", "1.26"),
		}
		source := newLibrary(files)
		var log bytes.Buffer
		c := newClient(t, fetch.Options{
			Upstream: source, Prefetch: &fetch.PrefetchOptions{AtOnce: 1}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err := askFor(t, t.Context(), c, modKey("a")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{modKey("a"), modKey("down")}, source.keys()); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}
		if s := c.Stats(); log.Len() > 0 || s.Prefetch.Failed != 1 || s.Requests[fetch.Failed] != 0 {
			t.Errorf("log %q, stats %+v", log.String(), s)
		}
		files[modKey("down")] = modFile("down", "1.26")
		if err := askFor(t, t.Context(), c, modKey("down")); err != nil {
			t.Error(err)
		}
	})
}

// A Client that is closed, or given other options, waits for no prefetch, and what
// waited is forgotten.
func TestPrefetchEnds(t *testing.T) {
	for _, how := range []string{"close", "reconfigure"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := newLibrary(map[string]string{modKey("a"): modFile("a", "1.26", "b", "c", "d")})
				c := newClient(t, fetch.Options{Upstream: source, Prefetch: &fetch.PrefetchOptions{AtOnce: 1}})
				source.delay = 200 * time.Millisecond
				go func() {
					time.Sleep(300 * time.Millisecond) // the first requirement is being fetched
					if how == "close" {
						c.Close()
						return
					}
					c.Reconfigure(&fetch.Options{Upstream: newLibrary(nil), Go: &fetch.GoSettings{GOSUMDB: "off"}})
				}()
				if err := askFor(t, t.Context(), c, modKey("a")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if diff := cmp.Diff([]string{modKey("a"), modKey("b")}, source.keys()); diff != "" {
					t.Errorf("asked for (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A store that panics costs the prefetch, and not the program.
func TestPrefetchSurvivesAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newLibrary(map[string]string{modKey("a"): modFile("a", "1.26", "bad", "b"), modKey("b"): modFile("b", "1.26")})
		c := newClient(t, fetch.Options{Upstream: source, Store: touchy{cache.NewMemory(nil)}, Prefetch: &fetch.PrefetchOptions{AtOnce: 1}})
		if err := askFor(t, t.Context(), c, modKey("a")); err != nil {
			t.Fatal(err)
		}
		if s := c.Stats().Prefetch; s.Failed != 1 || s.Waiting != 0 {
			t.Errorf("stats %+v, want one that failed", s)
		}
	})
}

// touchy panics when it is asked for a certain file.
type touchy struct{ cache.Store }

func (s touchy) Get(ctx context.Context, key string) (*cache.Entry, error) {
	if key == modKey("bad") {
		panic("bad")
	}
	return s.Store.Get(ctx, key)
}
