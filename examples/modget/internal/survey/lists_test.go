package survey_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// The lists of a source are compared with what all sources list together.
func TestRunLists(t *testing.T) {
	files := newTree(t)
	const list, latest = "example.com/!small/@v/list", "example.com/!small/@latest"
	tests := []struct {
		name  string
		files tree
		want  survey.ListFigures
	}{
		{"the same", files, survey.ListFigures{Known: true, Listed: 2, Latest: "v1.0.0", LatestTime: newYear}},
		{"more than others", files.with(list, "v0.9.0\nv0.9.1\nv1.0.0\n"), survey.ListFigures{Known: true, Listed: 3, Latest: "v1.0.0", LatestTime: newYear}},
		{"an old one is lacking", files.with(list, "v1.0.0\n"), survey.ListFigures{Known: true, Listed: 1, Lacks: 1, NewestLacked: "v0.9.0", Latest: "v1.0.0", LatestTime: newYear}},
		{"the newest is lacking", files.with(list, "v0.9.0\n"), survey.ListFigures{Known: true, Listed: 1, Lacks: 1, NewestLacked: "v1.0.0", Latest: "v1.0.0", LatestTime: newYear, Behind: true}},
		{"an older @latest", files.with(latest, `{"Version":"v0.9.0"}`), survey.ListFigures{Known: true, Listed: 2, Latest: "v0.9.0", Behind: true}},
		{"no @latest", files.with(latest, ""), survey.ListFigures{Known: true, Listed: 2}},
		{"no list", files.with(list, ""), survey.ListFigures{Known: true, Lacks: 2, NewestLacked: "v1.0.0", Latest: "v1.0.0", LatestTime: newYear, Behind: true}},
		{"no list that is one", files.with(list, "<html>"), survey.ListFigures{Latest: "v1.0.0", LatestTime: newYear}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, &survey.Options{Rounds: 1, Sample: []module.Version{small}, Sources: []survey.Source{test.files.paced("source", 0, 0), files.paced("other", 0, 0)}})
			test.want.Module = small.Path
			if diff := cmp.Diff([]survey.ListFigures{test.want}, figures(t, r, "source").Lists); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
		})
	}
}

// A source that was asked before has its connection to make again, and then keeps it.
func TestRunConnectsOnce(t *testing.T) {
	files := newTree(t)
	var made atomic.Int64
	server := httptest.NewUnstartedServer(files)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	source := at(t, "source", server.URL)
	if _, err := upstream.ReadList(t.Context(), source.Upstream, small.Path); err != nil {
		t.Fatal(err)
	}
	run(t, &survey.Options{Sources: []survey.Source{source}})
	if made.Load() != 2 {
		t.Errorf("%d connections were made, want one before and one for all that is measured", made.Load())
	}
}
