package download_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// An .info file beside a go.mod file is good to have: that nobody gives it is told, and
// fails nothing. Sources that are down are asked for it again only by who has not got
// the go.mod file already.
func TestInfoIsNotNeeded(t *testing.T) {
	const key = "example.com/hello/@v/v1.0.0.info"
	mods := []module.Version{{Path: "example.com/hello", Version: "v1.0.0"}}
	for _, test := range []struct {
		name        string
		fault       upstream.Class
		cached      bool // whether the go.mod file is in the cache
		wantAsked   int  // how often sources are asked for the .info
		wantMention string
	}{
		{"not found", upstream.NotFound, false, 1, "not found"},
		{"denied", upstream.Denied, false, 1, "denied"},
		{"down", upstream.Unavailable, false, 2, "unavailable"},
		{"down, and not needed", upstream.Unavailable, true, 1, "unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := &counting{Upstream: faulty{
				upstream.Dir(fixture.NewTree(t)),
				map[string]error{key: &upstream.Error{Class: test.fault}},
			}}
			client, err := fetch.New(&fetch.Options{
				Upstream: source, CacheDir: t.TempDir(), Go: &fetch.GoSettings{GOSUMDB: "off"},
				Retry: &breaker.RetryOptions{Tries: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if test.cached {
				if _, err := upstream.ReadMod(t.Context(), client, mods[0]); err != nil {
					t.Fatal(err)
				}
			}
			var said strings.Builder
			show := display.New(io.Discard, &said, display.Plain, nil)
			got := download.Run(t.Context(), client, manifest.Manifest{Mods: mods}, show, 2)
			summary := show.Close()
			if diff := cmp.Diff(download.Got{Mods: mods}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if summary.Failed > 0 || summary.Expected > 0 {
				t.Errorf("the summary is %v", summary)
			}
			if n := source.of(key); n != test.wantAsked {
				t.Errorf("it was asked for %d times, want %d", n, test.wantAsked)
			}
			note, _, _ := strings.Cut(said.String(), "\n")
			if !strings.HasPrefix(note, "no .info file of example.com/hello@v1.0.0, ") || !strings.HasSuffix(note, test.wantMention) {
				t.Errorf("it says %q", note)
			}
		})
	}
}

// Where a project's graph is pruned, go.sum lists nothing of a module, and "go list -m
// all" wants its .info alone. Nobody is asked about the project's own modules, nor
// where no project is downloaded.
func TestInfoOfWhatIsOnlyMentioned(t *testing.T) {
	hello := []module.Version{{Path: "example.com/hello", Version: "v1.1.0"}}
	dep := module.Version{Path: "example.com/dep", Version: "v0.1.0"}
	for _, test := range []struct {
		name  string
		roots []module.Version
		own   []string
		infos []module.Version
	}{
		{"a project", hello, []string{"example.com/project"}, []module.Version{dep}},
		{"it is replaced", hello, []string{"example.com/project", "example.com/dep"}, nil},
		{"no project", nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := manifest.Manifest{Modules: hello, Roots: test.roots, Own: test.own}
			source := &counting{Upstream: upstream.Dir(fixture.NewTree(t))}
			got, _ := run(t, t.Context(), source, want)
			asked := source.of("example.com/dep/@v/v0.1.0.info")
			if diff := cmp.Diff(test.infos, got.Infos); diff != "" || asked != len(test.infos) {
				t.Errorf("asked for %d times (-want +got)\n%s", asked, diff)
			}
			if n := source.of("example.com/dep/@v/v0.1.0.mod"); n > 0 {
				t.Errorf("its go.mod file was asked for %d times", n)
			}
		})
	}
}

// counting counts what is asked of a source.
type counting struct {
	upstream.Upstream

	mu    sync.Mutex
	asked map[string]int
}

func (c *counting) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	c.mu.Lock()
	if c.asked == nil {
		c.asked = map[string]int{}
	}
	c.asked[req.Key()]++
	c.mu.Unlock()
	return c.Upstream.Fetch(ctx, req)
}

func (c *counting) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[key]
}
