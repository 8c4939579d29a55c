package manifest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

func version(path, version string) module.Version {
	return module.Version{Path: path, Version: version}
}

// What is joined is sorted as versions are, has everything once, and wants no
// go.mod file alone of what it wants whole.
func TestAdd(t *testing.T) {
	a10, a9, b := version("a.example/a", "v1.10.0"), version("a.example/a", "v1.9.0"), version("b.example/b", "v2.0.0+incompatible")
	skipped := manifest.Skipped{What: "x", Why: "y"}
	one := manifest.Manifest{
		Modules: []module.Version{b, a10},
		Queries: []manifest.Query{{Path: "a.example/a", Query: "v1"}},
		Mods:    []module.Version{a9},
		Skipped: []manifest.Skipped{skipped},
	}
	other := manifest.Manifest{
		Modules: []module.Version{a9, b},
		Queries: []manifest.Query{{Path: "a.example/a", Query: "v1"}, {Path: "a.example/a", Query: "latest"}},
		Mods:    []module.Version{a9, a10, version("b.example/b", "v2.0.0")},
		Skipped: []manifest.Skipped{{What: "a", Why: "b"}, skipped},
	}
	want := manifest.Manifest{
		Modules: []module.Version{a9, a10, b},
		Queries: []manifest.Query{{Path: "a.example/a", Query: "latest"}, {Path: "a.example/a", Query: "v1"}},
		Mods:    []module.Version{version("b.example/b", "v2.0.0")},
		Skipped: []manifest.Skipped{skipped, {What: "a", Why: "b"}},
	}
	if diff := cmp.Diff(want, one.Add(other)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]module.Version{b, a10}, one.Modules); diff != "" {
		t.Errorf("Add has changed what it was called on: %s", diff)
	}
	if diff := cmp.Diff(manifest.Manifest{}, manifest.Manifest{}.Add(manifest.Manifest{})); diff != "" {
		t.Errorf("nothing and nothing: %s", diff)
	}
}

// The go.sum files of both decide: a file that both list may match either, and an
// error names them.
func TestAddJoinsSums(t *testing.T) {
	sums := func(name string, lines ...string) manifest.Manifest {
		s, err := verify.ParseGoSum(name, []byte(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		return manifest.Manifest{Sums: s}
	}
	one := sums("one/go.sum", "a.example/a v1.0.0 h1:1=", "a.example/a v1.0.0/go.mod h1:2=")
	two := sums("two/go.sum", "a.example/a v1.0.0 h1:3=", "a.example/a v1.0.0 h1:1=", "b.example/b v1.0.0/go.mod h1:4=")
	none := manifest.Manifest{}
	tests := []struct {
		name   string
		joined manifest.Manifest
		want   []string
	}{
		{"both", one.Add(two), []string{
			"a.example/a@v1.0.0 mod [h1:2=] by one/go.sum",
			"a.example/a@v1.0.0 zip [h1:1= h1:3=] by one/go.sum, two/go.sum",
			"b.example/b@v1.0.0 mod [h1:4=] by two/go.sum",
		}},
		{"one", none.Add(one), []string{"a.example/a@v1.0.0 mod [h1:2=] by one/go.sum", "a.example/a@v1.0.0 zip [h1:1=] by one/go.sum"}},
		{"the same again", one.Add(none).Add(one), []string{"a.example/a@v1.0.0 mod [h1:2=] by one/go.sum", "a.example/a@v1.0.0 zip [h1:1=] by one/go.sum"}},
		{"none", none.Add(none), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, expected(t, tt.joined.Sums)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// expected is what go.sum files expect of each file that they list.
func expected(t *testing.T, sums *verify.GoSum) (all []string) {
	t.Helper()
	if sums == nil {
		return nil
	}
	for _, req := range sums.Files() {
		want, err := sums.Expect(t.Context(), version(req.Module(), req.Version()), req.Kind())
		if err != nil {
			t.Fatal(err)
		}
		hashes := want.Zip
		if req.Kind() == upstream.Mod {
			hashes = want.Mod
		}
		all = append(all, fmt.Sprintf("%s@%s %v %v by %s", req.Module(), req.Version(), req.Kind(), hashes, want.By))
	}
	return all
}

// A newer Go than this one is a module, too, that no go.mod file requires.
func TestReadSkipsToolchain(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"go.mod", "go 1.21", ""},
		{"go.mod", "go 1.21\ntoolchain go1.21.1", ""},
		{"go.mod", "go 1.21\ntoolchain default", ""},
		{"go.mod", "go 1.999", "go1.999.0"},
		{"go.mod", "go 1.999rc1", "go1.999rc1"},
		{"go.mod", "go 1.21\ntoolchain go1.999.3-corp", "go1.999.3-corp"},
		{"go.mod", "go 1.999.5\ntoolchain go1.999.3", "go1.999.5"},
		{"go.work", "go 1.999.1\nuse ./m", "go1.999.1"},
	}
	for _, tt := range tests {
		t.Run(tt.content, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, tt.name, tt.content+"\n")
			write(t, "m/go.mod", "module m.example/m\n")
			m, err := manifest.Read(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, s := range m.Skipped {
				toolchain, _ := strings.CutPrefix(s.What, "toolchain ")
				if !strings.Contains(s.Why, "golang.org/toolchain@v0.0.1-"+toolchain+".") {
					t.Errorf("it does not say what to do: %s", s.Why)
				}
				got = toolchain
			}
			if got != tt.want {
				t.Errorf("skipped %q, want %q", got, tt.want)
			}
		})
	}
}

func Example() {
	list := strings.NewReader(`
		# what every build here needs
		golang.org/x/text@v0.14.0
		golang.org/x/mod@latest
	`)
	m, err := manifest.ReadList("warm.txt", list)
	if err != nil {
		fmt.Println(err)
		return
	}
	args, err := manifest.Args([]string{"golang.org/x/sync@v0.7.0", "std@latest"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(os.Stdout, render(m.Add(args)))
	// Output:
	// module golang.org/x/sync@v0.7.0
	// module golang.org/x/text@v0.14.0
	// query golang.org/x/mod@latest
	// no sums
	// skipped std@latest: the standard library comes with the Go toolchain
}
