package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain has the test binary be Breakwater where the command starts itself for that.
func TestMain(m *testing.M) {
	if served, err := serveIfAsked(context.Background(), os.Args[1:]); served {
		exit(err)
		return
	}
	os.Exit(m.Run())
}

// inTemporary has temporary files made in a directory of the test's.
func inTemporary(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// recorder keeps results.
type recorder struct {
	results []result
	playing func(sc scenario) // called before each scenario; nil: nobody is told
}

func (r *recorder) begin([]*peer) {}

func (r *recorder) scenario(sc scenario) {
	if r.playing != nil {
		r.playing(sc)
	}
}

func (r *recorder) result(got result) { r.results = append(r.results, got) }

func (r *recorder) end() error { return nil }

// breakwater is the peer that asks the mirror after any error.
func breakwater(t *testing.T) *peer {
	t.Helper()
	peers, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		if p.name == "breakwater, a|b" {
			return p
		}
	}
	t.Fatal("Breakwater is not there")
	return nil
}

// Whatever ails the sources, Breakwater does what can be done, and leaves nothing behind.
func TestBreakwater(t *testing.T) {
	if testing.Short() {
		t.Skip("some of it takes seconds by its nature")
	}
	dir := inTemporary(t)
	var r recorder
	if err := compare(t.Context(), settings{quick: true}, []*peer{breakwater(t)}, &r); err != nil {
		t.Fatal(err)
	}
	if got, want := len(r.results), len(scenarios()); got != want {
		t.Errorf("%d results, want %d", got, want)
	}
	most := map[string]int{ // requests for one zip; one more may be a hedge where the machine is slow
		"all well, cached before":                            0,
		"200 callers at once, one cold zip":                  2,
		"a client goes away, another waits for the same zip": 2,
	}
	for _, got := range r.results {
		t.Logf("%-65s %s", got.Scenario, got.cell())
		if !got.right() {
			t.Errorf("%s: %s", got.Scenario, got.cell())
		}
		if n, ok := most[got.Scenario]; ok && got.Requests > n {
			t.Errorf("%s: %d requests, want at most %d", got.Scenario, got.Requests, n)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// Who ends the command in the middle leaves nothing behind either.
func TestInterrupted(t *testing.T) {
	dir := inTemporary(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := recorder{playing: func(sc scenario) {
		if sc.name == "all well, cached before" {
			cancel()
		}
	}}
	err := compare(ctx, settings{quick: true}, []*peer{breakwater(t)}, &r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
	if len(r.results) != 1 {
		t.Errorf("%d results, want the one from before", len(r.results))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// The go command alone, through the whole command, as a program reads it.
func TestJSON(t *testing.T) {
	inTemporary(t)
	var output strings.Builder
	if err := run(t.Context(), []string{"-quick", "-json", "-only", "^(all well, nothing|primary refuses|200 callers)"}, &output); err != nil {
		t.Fatalf("%v, after\n%s", err, output.String())
	}
	var results []result
	if err := json.Unmarshal([]byte(output.String()), &results); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range results {
		got[r.Scenario+": "+r.Peer] = r.right()
	}
	want := map[string]bool{
		"all well, nothing cached: go command, a|b":          true,
		"all well, nothing cached: go command, a,b":          true,
		"all well, nothing cached: breakwater, a|b":          true,
		"all well, nothing cached: breakwater, a,b":          true,
		"primary refuses connections: go command, a|b":       true,
		"primary refuses connections: go command, a,b":       false, // a comma means: only after "not found"
		"primary refuses connections: breakwater, a|b":       true,
		"primary refuses connections: breakwater, a,b":       false,
		"200 callers at once, one cold zip: breakwater, a|b": true,
		"200 callers at once, one cold zip: breakwater, a,b": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who got the right bytes (-want +got):\n%s", diff)
	}
}

// What is wrong with the command line is said in one line.
func TestFlags(t *testing.T) {
	inTemporary(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string // in the error; "": there is none
	}{
		{[]string{"-only", "("}, "missing closing )"},
		{[]string{"-only", "^$"}, "no scenario has a name that matches"},
		{[]string{"-peer", "one=" + self + " {addr}", "-peer", "one=" + self + " {addr}"}, "two of the name \"one\""},
		{[]string{"-peer", "breakwater, a|b=" + self + " {addr}"}, "two of the name \"breakwater, a|b\""},
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"warm"}, "no arguments"},
		{[]string{"-json", "-markdown"}, "choose one"},
		{[]string{"-peer", "goproxy"}, "want NAME=COMMAND"},
		{[]string{"-peer", "goproxy=goproxy server"}, "put {addr} where"},
		{[]string{"-peer", "none=no-such-program {addr}"}, "none cannot be started: exec: \"no-such-program\""},
		{[]string{"-peer", "bad=" + self + " " + serveCommand + " {addr}"}, "bad cannot be started: it ended at once (exit status 1): compare: breakwater-proxy wants {addr} and {dir}"},
		{[]string{"-help"}, ""},
	} {
		var output strings.Builder
		err := run(t.Context(), tt.args, &output)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%q: %v", tt.args, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%q: error %v, want one line with %q", tt.args, err, tt.want)
		case tt.want != "" && output.Len() > 0:
			t.Errorf("%q: besides, it says %q", tt.args, output.String())
		}
	}
}
