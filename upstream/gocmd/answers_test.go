package gocmd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
	"github.com/google/go-cmp/cmp"
)

// versions are what the repositories of the fixture have, by module path.
var versions = map[string][]string{
	"go.corp.example/lib":             {"v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0-rc.1"}, // v1.1.0 is retracted
	"git.corp.example/mono.git":       {"v0.1.0"},
	"git.corp.example/mono.git/tools": {"v0.2.0"},
	"git.corp.example/mono.git/next":  nil,
	"go.corp.example/two":             {"v1.0.0"},
	"go.corp.example/two/v2":          {"v2.0.0", "v2.1.0"},
	"go.corp.example/old":             {"v1.0.0", "v2.0.0+incompatible"},
	"go.corp.example/tagless":         nil,
	"go.corp.example/secret":          {"v1.0.0"},
}

func TestFilesEqualTheGoCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s, direct := w.source(t, nil), w.oracle(t)
	for path, list := range versions {
		want := ""
		for i, v := range list {
			want += v + "\n"
			if i < len(list)-2 {
				continue // more of the same
			}
			direct.run(t, "mod", "download", path+"@"+v)
			for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
				req := request(t, k, path, v)
				if diff := cmp.Diff(direct.file(t, req), mustGet(t, s, req)); diff != "" {
					t.Errorf("%v (-go command +Source):\n%s", req, diff)
				}
			}
		}
		if diff := cmp.Diff(want, mustGet(t, s, request(t, upstream.List, path, ""))); diff != "" {
			t.Errorf("%s/@v/list (-want +got):\n%s", path, diff)
		}
		if diff := cmp.Diff(list, direct.describe(t, "-versions", "-retracted", path).Versions); diff != "" {
			t.Errorf("the test expects other versions of %s than the go command (-test +go command):\n%s", path, diff)
		}
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s, direct := w.source(t, nil), w.oracle(t)
	const pseudo = "v1.3.0-rc.1.0.20240501030000-" // of the branch, after v1.3.0-rc.1
	tests := []struct{ path, query, want string }{ // want is the version, or how it begins
		{"go.corp.example/lib", "feature-x", pseudo},
		{"go.corp.example/lib", "main", "v1.3.0-rc.1.0.20240501040000-"},
		{"go.corp.example/lib", "v1", "v1.2.0"},
		{"go.corp.example/lib", "v1.0", "v1.0.0"},
		{"go.corp.example/tagless", "latest", "v0.0.0-20240501000000-"},
		{"git.corp.example/mono.git/next", "main", "v0.0.0-20240501010000-"},
		{"go.corp.example/old", "v2.0.0", "v2.0.0+incompatible"},
		{"go.corp.example/two/v2", "latest", "v2.1.0"},
	}
	for _, test := range tests {
		t.Run(test.path+"@"+test.query, func(t *testing.T) {
			req := request(t, upstream.Info, test.path, test.query)
			got, err := upstream.ParseMetadata(req, []byte(mustGet(t, s, req)))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got.Version, test.want) {
				t.Errorf("the version is %s, want %s", got.Version, test.want)
			}
			if want := direct.describe(t, test.path+"@"+test.query).Version; got.Version != want {
				t.Errorf("the version is %s, and the go command's is %s", got.Version, want)
			}
			if got.Time.IsZero() || got.Origin == nil {
				t.Errorf("Time is %v and Origin %s, want both", got.Time, got.Origin)
			}
		})
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s, direct := w.source(t, nil), w.oracle(t)
	for _, path := range []string{"go.corp.example/lib", "go.corp.example/old", "go.corp.example/tagless", "git.corp.example/mono.git/tools"} {
		got, err := upstream.ReadLatest(t.Context(), s, path)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := direct.describe(t, path+"@latest").Version; got.Version != want {
			t.Errorf("the latest version of %s is %s, and the go command's is %s", path, got.Version, want)
		}
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, func(o *gocmd.Options) { o.Concurrency = 8 })
	want := map[string]string{}
	for _, req := range []upstream.Request{
		request(t, upstream.List, "go.corp.example/lib", ""),
		request(t, upstream.Latest, "go.corp.example/lib", ""),
		request(t, upstream.Info, "go.corp.example/lib", "main"),
		request(t, upstream.Info, "go.corp.example/two/v2", "v2.0.0"),
		request(t, upstream.Mod, "go.corp.example/two/v2", "v2.0.0"),
		request(t, upstream.Zip, "go.corp.example/two/v2", "v2.0.0"),
	} {
		want[req.Key()] = mustGet(t, s, req)
	}
	if err := upstreamtest.Test(s, want); err != nil {
		t.Error(err)
	}
}

func TestChecksumDatabaseIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.source(t, nil)
	for _, resource := range []string{"supported", "latest", "lookup/go.corp.example/lib@v1.0.0", "tile/8/0/000"} {
		req, err := upstream.NewSumDBRequest("sum.golang.org", resource)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := get(t, s, req); upstream.ClassOf(err) != upstream.NotFound {
			t.Errorf("%v: %v, want not found", req, err)
		}
	}
	if asked := w.requests(); len(asked) > 0 {
		t.Errorf("hosts were asked: %q", asked)
	}
}

// TestOneClone: the files of one version are had from one clone, and the go.mod
// file without the zip.
func TestOneClone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, nil)
	transfers := func() int {
		return strings.Count(fmt.Sprint(w.requests()), "POST") // a list of refs, or objects
	}
	mustGet(t, s, request(t, upstream.Info, "go.corp.example/lib", "v1.0.0"))
	if transfers() == 0 {
		t.Fatal("nothing was transferred for the first file")
	}
	mustGet(t, s, request(t, upstream.Mod, "go.corp.example/lib", "v1.0.0"))
	zip := mustGet(t, s, request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0"))
	if n := transfers(); n > 1 {
		t.Errorf("%d transfers for the go.mod file and the zip, want at most a list of refs", n)
	}
	if again := mustGet(t, s, request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0")); again != zip {
		t.Error("the zip differs when it is made again in the same workspace")
	}
}
