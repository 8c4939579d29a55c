package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/google/go-cmp/cmp"
)

// start runs a tier until the test ends, and returns its URL.
func start(t *testing.T, cfg config) (program *fixture.Program, url string) {
	t.Helper()
	cfg.cache = t.TempDir()
	if cfg.listen == "" {
		cfg.listen = "localhost:0"
	}
	program = fixture.Start(t, func(ctx context.Context, output io.Writer) error { return run(ctx, cfg, output) })
	return program, program.Output.After(t, named(cfg).name+" tier: serving ")
}

// What one office has had, the next one has from the region: the source is asked once.
func TestSourceIsAskedOnceForAllOffices(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	_, regional := start(t, config{ttl: time.Hour})
	for _, office := range []string{"north", "south"} {
		_, local := start(t, config{name: office, from: regional, ttl: time.Hour})
		goCommand := fixture.NewGoCommand(t, local)
		goCommand.Run(t, "list", "-m", "-versions", "example.com/hello")
		goCommand.Run(t, "mod", "download", "example.com/hello@v1.1.0")
	}
	asked := source.Asked()
	slices.Sort(asked)
	want := []string{
		"/example.com/hello/@v/list",
		"/example.com/hello/@v/v1.1.0.info", "/example.com/hello/@v/v1.1.0.mod", "/example.com/hello/@v/v1.1.0.zip",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked of the source (-want +got):\n%s", diff)
	}
}

// With the region away, an office goes on with what it has, and says how old it is.
func TestRegionIsAway(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	region, regional := start(t, config{})
	_, local := start(t, config{from: regional, ttl: time.Nanosecond})
	fixture.NewGoCommand(t, local).Run(t, "get", "example.com/hello/greet@latest")
	region.Stop()

	another := fixture.NewGoCommand(t, local)
	if got, want := another.Run(t, "list", "-m", "-versions", "example.com/hello"), "example.com/hello v1.0.0 v1.1.0\n"; got != want {
		t.Errorf("go list -m -versions: %q, want %q", got, want)
	}
	another.Run(t, "mod", "download", "example.com/hello@v1.1.0")
	resp, _ := fixture.Get(t, http.DefaultClient, local+"/example.com/hello/@v/list")
	if resp.Header.Get("Age") == "" || !strings.Contains(resp.Header.Get("Cache-Status"), "stale") {
		t.Errorf("Age %q, Cache-Status %q", resp.Header.Get("Age"), resp.Header.Get("Cache-Status"))
	}
	if resp, body := fixture.Get(t, http.DefaultClient, local+"/example.com/large/@v/v1.0.0.mod"); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("what it never had: status %d, want 502, for that is no absence: %s", resp.StatusCode, body)
	}
}

// Two tiers that have each other for a source refuse what comes round.
func TestLoop(t *testing.T) {
	fixture.Settings(t, "off")
	address := freeAddress(t)
	_, one := start(t, config{name: "one", from: "http://" + address})
	start(t, config{name: "two", listen: address, from: one})
	resp, body := fixture.Get(t, http.DefaultClient, one+"/example.com/hello/@v/list")
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "came back to the proxy that sent it") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// 0 is no time, not the library's default.
func TestNoTimeToLive(t *testing.T) {
	for _, from := range []string{"", "https://regional.example"} {
		opts, err := options(config{name: "here", from: from, cache: t.TempDir(), ttl: 0})
		if err != nil || opts.TTL >= 0 {
			t.Errorf("-from %q: TTL %v, %v; want a negative one, which is never", from, opts.TTL, err)
		}
	}
}

// Connections of strangers have bounds, of which this is the quickest to see.
func TestServerHasBounds(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	_, url := start(t, config{})
	if resp, _ := fixture.Get(t, http.DefaultClient, url+"/example.com/hello/@v/list?"+strings.Repeat("x", 300)); resp.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("status %d, want 414 for a query that nobody needs", resp.StatusCode)
	}
}

func TestMistakes(t *testing.T) {
	fixture.Settings(t, "off")
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience) // for what is no mistake to the program
	defer cancel()
	for _, tt := range []struct {
		name string
		cfg  config
		want string
	}{
		{"a name of two words", config{name: "north office"}, "-name: "},
		{"not a URL", config{from: "regional"}, "-from: "},
		{"not an address", config{listen: "localhost:nonsense"}, "nonsense"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.cache = t.TempDir()
			if err := run(ctx, tt.cfg, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
