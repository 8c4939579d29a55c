package fetch_test

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// A diagnosis tells no source a module's name that a request would not tell it.
func TestDiagnoseRoutes(t *testing.T) {
	tests := []struct {
		name             string
		private, claimed string
		goNoProxy        string
		public, own      []string // what the two sources are asked for
	}{
		{"a host of its own", "corp.example", "", "", []string{"example.com/hello"}, []string{"corp.example/breakwater-diagnosis"}},
		{"all hosts of a domain", "*.corp.example", "", "", []string{"example.com/hello"}, []string{"x.corp.example/breakwater-diagnosis"}},
		{"teams", "corp.example/team-?/*", "", "", []string{"example.com/hello"}, []string{"corp.example/team-x/x/breakwater-diagnosis"}},
		{"the first that fits", "corp.example/[ab],git.example/x", "", "", []string{"example.com/hello"}, []string{"git.example/x/breakwater-diagnosis"}},
		{"none that fits", "corp.example/[ab]", "", "", []string{"example.com/hello"}, nil},
		{"the module itself", "example.com", "", "", nil, []string{"example.com/hello"}},
		{"all modules", "*", "", "", nil, []string{"example.com/hello"}},
		{"the module is claimed", "corp.example", "example.com", "", nil, []string{"corp.example/breakwater-diagnosis"}},
		{"no proxy for the module", "corp.example", "", "example.com", nil, []string{"corp.example/breakwater-diagnosis"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, own := newOrigin(t), newOrigin(t)
			opts := diagnoseOptions(serve(t, o))
			opts.Go.GONOPROXY = test.goNoProxy
			opts.Claimed = test.claimed
			opts.Private = []upstream.Route{{Patterns: test.private, Upstream: newHTTP(t, serve(t, own), nil)}}
			d := diagnose(t, opts)
			if diff := cmp.Diff([][]string{test.public, test.own}, [][]string{modulesIn(o.Asked()), modulesIn(own.Asked())}); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			if !d.OK() {
				t.Error(d)
			}
		})
	}
}

// modulesIn returns the modules in keys.
func modulesIn(keys []string) []string {
	var modules []string
	for _, key := range keys {
		path, _, _ := strings.Cut(key, "/@v/")
		modules = append(modules, path)
	}
	return slices.Compact(modules)
}

// Who denies what does not exist may be in order.
func TestDiagnoseDeniesMadeUp(t *testing.T) {
	opts := diagnoseOptions("off")
	closed := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	opts.Private = []upstream.Route{{Patterns: "corp.example", Upstream: newHTTP(t, closed, nil)}}
	d := diagnose(t, opts)
	if diff := cmp.Diff([]string{"warning: authentication"}, diagnosed(d.Sources[1].Findings)); diff != "" || !d.OK() {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestDiagnoseOffline(t *testing.T) {
	o := newOrigin(t)
	opts := diagnoseOptions(serve(t, o))
	d, err := fetch.Diagnose(upstream.WithOffline(t.Context()), &opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Offline = true
	for _, d := range []*fetch.Diagnosis{d, diagnose(t, opts)} {
		if diff := cmp.Diff([]string{"warning: settings"}, diagnosed(d.Findings)); diff != "" || o.Asked() != nil || len(d.Sources) != 1 {
			t.Errorf("it was asked, or findings (-want +got):\n%s", diff)
		}
	}
}

func TestDiagnoseNoSources(t *testing.T) {
	d := diagnose(t, diagnoseOptions("off"))
	if diff := cmp.Diff([]string{"problem: settings"}, diagnosed(d.Findings)); diff != "" || d.OK() {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Without the commands, nothing comes from version control; with them, it is said
// that they are here.
func TestDiagnoseDirect(t *testing.T) {
	d := diagnose(t, diagnoseOptions("direct"))
	if !d.OK() || !strings.Contains(d.Sources[0].Note, "go and git are here") {
		t.Error(d)
	}
	twice := diagnoseOptions("direct")
	twice.Go.GONOPROXY = "corp.example"
	if d := diagnose(t, twice); len(d.Sources) != 1 {
		t.Error(d)
	}
	t.Setenv("PATH", t.TempDir())
	opts := diagnoseOptions("direct")
	opts.Direct = nil
	d = diagnose(t, opts)
	wantFinding(t, d, "warning: command", "no go and no git")
	if diff := cmp.Diff([]string{"problem: settings"}, diagnosed(d.Findings)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestDiagnoseRefusesOptions(t *testing.T) {
	for name, change := range map[string]func(*fetch.Options){
		"GOPROXY":  func(o *fetch.Options) { o.Go.GOPROXY = "nonsense" },
		"GOSUMDB":  func(o *fetch.Options) { o.Go.GOSUMDB = "nonsense" },
		"module":   func(o *fetch.Options) { o.Probe = &breaker.ProbeOptions{Module: "A B"} },
		"patterns": func(o *fetch.Options) { o.Claimed = "a b" },
	} {
		opts := diagnoseOptions("https://proxy.example")
		change(&opts)
		if _, err := fetch.Diagnose(t.Context(), &opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A Client diagnoses its present sources, past what it remembers of them.
func TestDiagnoseClient(t *testing.T) {
	o, other := newOrigin(t), newOrigin(t)
	opts := diagnoseOptions(serve(t, o))
	opts.Circuit = &breaker.CircuitOptions{}
	c := newClient(t, opts)
	o.Fail(origin.Status(500))
	for range 20 { // opens the circuit
		_, _ = c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
	}
	wantFinding(t, c.Diagnose(t.Context()), "problem: server error", "500")
	o.Fail(nil)
	if d := c.Diagnose(t.Context()); !d.OK() {
		t.Error(d)
	}
	if standing := c.Ranking()[0]; standing.Health[upstream.SmallFiles].State == upstream.Working {
		t.Errorf("the diagnosis counted for the circuit: %+v", standing)
	}
	opts = diagnoseOptions(serve(t, other))
	if err := c.Reconfigure(&opts); err != nil {
		t.Fatal(err)
	}
	if d := c.Diagnose(t.Context()); !d.OK() || len(other.Asked()) == 0 {
		t.Errorf("the present source was not asked: %v", d)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if d := c.Diagnose(t.Context()); d.OK() {
		t.Error("a closed Client is said to be in order")
	}
}

// A diagnosis ends what it began: no goroutine, and so no connection, is left.
func TestDiagnoseLeavesNothing(t *testing.T) {
	o := newOrigin(t)
	opts := diagnoseOptions(serve(t, o) + "," + serve(t, o) + "|direct")
	opts.Go.GOSUMDB = o.VerifierKey
	opts.Direct = &gocmd.Options{Resolve: nowhere, Dir: t.TempDir()}
	opts.Logger = slog.New(slog.DiscardHandler)
	diagnose(t, opts)
	before := runtime.NumGoroutine()
	for range 10 {
		diagnose(t, opts)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for runtime.NumGoroutine() > before { // the servers' ends of the connections take a moment
		select {
		case <-ctx.Done():
			var stacks [1 << 16]byte
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks[:], true)])
		default:
			runtime.Gosched()
		}
	}
}
