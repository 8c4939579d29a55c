package download_test

import (
	"context"
	"io"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

var want = manifest.Manifest{
	Modules: []module.Version{
		{Path: "example.com/nowhere", Version: "v1.0.0"},
		{Path: "example.com/large", Version: "v1.0.0"},
		{Path: "example.com/hello", Version: "v1.1.0"},
	},
	Mods: []module.Version{
		{Path: "example.com/hello", Version: "v1.0.0"},
		{Path: "example.com/nowhere", Version: "v0.9.0"},
	},
	Queries: []manifest.Query{
		{Path: "example.com/dep", Query: "latest"},
		{Path: "example.com/dep", Query: "v7"},
	},
}

// run downloads what is wanted.
func run(t *testing.T, ctx context.Context, source upstream.Upstream, want manifest.Manifest) (download.Got, display.Summary) {
	t.Helper()
	client, err := fetch.New(&fetch.Options{Upstream: source, CacheDir: t.TempDir(), Go: &fetch.GoSettings{GOSUMDB: "off"}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	show := display.New(io.Discard, io.Discard, display.Quiet, nil)
	got := download.Run(ctx, client, want, show, 2)
	return got, show.Close()
}

// What cannot be had stops nothing else, and is told apart from what can: queries as
// the versions that they stood for, in order.
func TestOneFailureStopsNoOther(t *testing.T) {
	got, summary := run(t, t.Context(), upstream.Dir(fixture.NewTree(t)), want)
	wantModules := []module.Version{
		{Path: "example.com/dep", Version: "v0.1.0"},
		{Path: "example.com/hello", Version: "v1.1.0"},
		{Path: "example.com/large", Version: "v1.0.0"},
	}
	if diff := cmp.Diff(wantModules, got.Modules); diff != "" {
		t.Errorf("modules (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want.Mods[:1], got.Mods); diff != "" {
		t.Errorf("go.mod files (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want.Mods[:1], got.Infos); diff != "" {
		t.Errorf(".info files of those (-want +got)\n%s", diff)
	}
	if len(got.Errs) != 3 {
		t.Errorf("%d failures, want 3", len(got.Errs))
	}
	for _, err := range got.Errs {
		if upstream.ClassOf(err) != upstream.NotFound {
			t.Errorf("it failed with %v", err)
		}
	}
	counted := [...]int{summary.Expected, summary.Fetched, summary.Failed}
	if counted != [...]int{6, 3, 3} {
		t.Errorf("expected, fetched, failed: %v", counted)
	}
}

// Of the three files of a version the gravest failure is told: that a source has only
// part of it does not hide that another part is not to be had.
func TestGravestOfAVersion(t *testing.T) {
	denied := &upstream.Error{Class: upstream.Denied, Status: 403}
	got, _ := run(t, t.Context(), faulty{upstream.Dir(fixture.NewTree(t)), map[string]error{
		"example.com/nowhere/@v/v1.0.0.zip": denied,
	}}, want)
	classes := map[upstream.Class]int{}
	for _, err := range got.Errs {
		classes[upstream.ClassOf(err)]++
	}
	if diff := cmp.Diff(map[upstream.Class]int{upstream.Denied: 1, upstream.NotFound: 2}, classes); diff != "" {
		t.Errorf("failures (-want +got)\n%s", diff)
	}
}

// faulty fails with some files of a source.
type faulty struct {
	upstream.Upstream
	faults map[string]error
}

func (f faulty) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if err := f.faults[req.Key()]; err != nil {
		return nil, err
	}
	return f.Upstream.Fetch(ctx, req)
}

// Who is interrupted has not failed, neither with what was under way nor with what
// had not begun.
func TestInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	got, summary := run(t, ctx, interrupting{upstream.Dir(fixture.NewTree(t)), interrupt}, want)
	if diff := cmp.Diff(download.Got{}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if summary.Failed > 0 {
		t.Errorf("%d modules failed", summary.Failed)
	}
}

// interrupting is a source that has the user lose patience.
type interrupting struct {
	upstream.Upstream
	interrupt func()
}

func (i interrupting) Fetch(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
	i.interrupt()
	<-ctx.Done()
	return nil, ctx.Err()
}
