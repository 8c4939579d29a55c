package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

var m1 = module.Version{Path: "a.example/m", Version: "v1.0.0"}

func parseGoSum(t testing.TB, name, text string) *verify.GoSum {
	t.Helper()
	g, err := verify.ParseGoSum(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// expected is what v expects of m's zip and go.mod file; what it denies is empty.
func expected(t testing.TB, v verify.Verifier, m module.Version) [2]verify.Sums {
	t.Helper()
	var got [2]verify.Sums
	for i, kind := range []upstream.Kind{upstream.Zip, upstream.Mod} {
		sums, err := v.Expect(t.Context(), m, kind)
		if err != nil && upstream.ClassOf(err) != upstream.Denied {
			t.Errorf("%v of %v: %v", kind, m, err)
		}
		got[i] = sums
	}
	return got
}

func zipSums(hashes ...string) verify.Sums {
	return verify.Sums{Zip: hashes, By: "go.sum", GoSum: true}
}
func modSums(hashes ...string) verify.Sums {
	return verify.Sums{Mod: hashes, By: "go.sum", GoSum: true}
}

// A go.sum file is read as the go command reads it.
func TestGoSumExpects(t *testing.T) {
	const other = "b.example/n v1.0.0 h1:b=\n"
	tests := []struct {
		name, file string
		zip, mod   verify.Sums // of a.example/m@v1.0.0; none: denied
	}{
		{"both files", "a.example/m v1.0.0 h1:z=\na.example/m v1.0.0/go.mod h1:m=\n", zipSums("h1:z="), modSums("h1:m=")},
		{"among others", other + "a.example/m v1.0.0 h1:z=\n" + other, zipSums("h1:z="), verify.Sums{}},
		{"go.mod file only", "a.example/m v1.0.0/go.mod h1:m=\n", verify.Sums{}, modSums("h1:m=")},
		{"zip only", "a.example/m v1.0.0 h1:z=\n", zipSums("h1:z="), verify.Sums{}},
		{"empty", "", verify.Sums{}, verify.Sums{}},
		{"other modules only", other, verify.Sums{}, verify.Sums{}},
		{"other versions only", "a.example/m v1.0.1 h1:z=\na.example/m v1.0.0+incompatible h1:z=\n", verify.Sums{}, verify.Sums{}},
		{"other case", "a.example/M v1.0.0 h1:z=\n", verify.Sums{}, verify.Sums{}},
		{"several hashes", "a.example/m v1.0.0 h1:y=\na.example/m v1.0.0 h1:z=\n", zipSums("h1:y=", "h1:z="), verify.Sums{}},
		{"unknown algorithm only", "a.example/m v1.0.0 h2:z=\na.example/m v1.0.0/go.mod h0:m=\n", verify.Sums{}, verify.Sums{}},
		{"unknown algorithm too", "a.example/m v1.0.0 h2:y=\na.example/m v1.0.0 h1:z=\n", zipSums("h1:z="), verify.Sums{}},
		{"hash without algorithm", "a.example/m v1.0.0 z=\n", verify.Sums{}, verify.Sums{}},
		{"blank lines", "\n  \t\na.example/m v1.0.0 h1:z=\n\n", zipSums("h1:z="), verify.Sums{}},
		{"no newline at the end", other + "a.example/m v1.0.0 h1:z=", zipSums("h1:z="), verify.Sums{}},
		{"lines of Windows", "a.example/m v1.0.0 h1:z=\r\n\r\na.example/m v1.0.0/go.mod h1:m=\r\n", zipSums("h1:z="), modSums("h1:m=")},
		{"more space than needed", "\ta.example/m   v1.0.0\t h1:z= \n", zipSums("h1:z="), verify.Sums{}},
		{"the line of an old bug", "a.example/m v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n", verify.Sums{}, verify.Sums{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := parseGoSum(t, "go.sum", test.file)
			if diff := cmp.Diff([2]verify.Sums{test.zip, test.mod}, expected(t, g, m1)); diff != "" {
				t.Errorf("sums of the zip and the go.mod file (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseGoSumRefuses(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"two fields", "a.example/m v1.0.0\n", "/src/go.sum:1: malformed go.sum: wrong number of fields 2"},
		{"four fields", "\na.example/m v1.0.0 h1:z=\na.example/m v1.0.0 h1:z= h1:y=\n", "/src/go.sum:3: malformed go.sum: wrong number of fields 4"},
		{"truncated", "a.example/m v1.0.0 h1:z=\r\na.example/m", "/src/go.sum:2: malformed go.sum: wrong number of fields 1"},
		{"conflict of a merge", "<<<<<<< HEAD\n", "/src/go.sum:1: malformed go.sum: wrong number of fields 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g, err := verify.ParseGoSum("/src/go.sum", []byte(test.file))
			if err == nil || g != nil {
				t.Fatal("it is accepted")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// What is not listed is denied: neither absent nor anybody's failure. The error
// says where it should be listed, and how it gets there.
func TestGoSumDenies(t *testing.T) {
	g := parseGoSum(t, "/src/go.sum", "a.example/m v1.0.0/go.mod h1:m=\n")
	_, err := g.Expect(t.Context(), m1, upstream.Zip)
	wantBlame(t, err, upstream.Denied, "/src/go.sum")
	want := `a.example/m@v1.0.0 (zip): /src/go.sum: denied: no h1 checksum is listed for this zip, and only what is listed is allowed: ` +
		`add it with "go get a.example/m@v1.0.0" or "go mod tidy" where that file is kept, or let a checksum database speak for what is not listed`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	_, err = g.Expect(t.Context(), module.Version{Path: "not a path", Version: "v1.0.0"}, upstream.Mod)
	if upstream.ClassOf(err) != upstream.Denied || !strings.Contains(err.Error(), "not a path@v1.0.0") {
		t.Errorf("error for what is no module: %v", err)
	}
	if _, err := g.Expect(t.Context(), m1, upstream.Info); upstream.ClassOf(err) != upstream.Denied {
		t.Errorf("error for what has no checksum: %v", err)
	}
}

func TestReadGoSum(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	sum := file("go.sum", "a.example/m v1.0.0 h1:z=\n")
	work := file("go.work.sum", "a.example/m v1.0.0 h1:y=\na.example/m v1.0.0/go.mod h1:m=\n")
	g, err := verify.ReadGoSum(sum, work)
	if err != nil {
		t.Fatal(err)
	}
	want := [2]verify.Sums{
		{Zip: []string{"h1:z=", "h1:y="}, By: sum + ", " + work, GoSum: true},
		{Mod: []string{"h1:m="}, By: work, GoSum: true},
	}
	if diff := cmp.Diff(want, expected(t, g, m1)); diff != "" {
		t.Errorf("sums of the zip and the go.mod file (-want +got):\n%s", diff)
	}
	_, err = g.Expect(t.Context(), module.Version{Path: "b.example/n", Version: "v1.0.0"}, upstream.Zip)
	wantBlame(t, err, upstream.Denied, sum+", "+work)

	if _, err := verify.ReadGoSum(sum, filepath.Join(dir, "go.sum.missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error for a missing file is %v", err)
	}
	bad := file("bad.sum", "x\n")
	if _, err := verify.ReadGoSum(sum, bad); err == nil || !strings.Contains(err.Error(), bad+":1:") {
		t.Errorf("error for a malformed file is %v", err)
	}
	if _, err := verify.ReadGoSum(); err == nil {
		t.Error("no file is accepted")
	}
}

// From go.sum to the bytes: one of the listed hashes must be theirs.
func TestGoSumChecks(t *testing.T) {
	content := goodZip(t)
	hash, err := dirHashOf(t, content)
	if err != nil {
		t.Fatal(err)
	}
	const goMod, wrong = "module a.example/m\n", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	modHash, err := verify.HashMod(strings.NewReader(goMod))
	if err != nil {
		t.Fatal(err)
	}
	zipLine, modLine := "a.example/m v1.0.0 %s\n", "a.example/m v1.0.0/go.mod %s\n"
	tests := []struct {
		name, line string
		kind       upstream.Kind
		content    string
		hashes     []string
		match      bool
	}{
		{"zip", zipLine, upstream.Zip, content, []string{hash}, true},
		{"zip, second hash", zipLine, upstream.Zip, content, []string{wrong, hash}, true},
		{"zip, first hash", zipLine, upstream.Zip, content, []string{hash, wrong}, true},
		{"zip, other hash", zipLine, upstream.Zip, content, []string{wrong}, false},
		{"zip, hash of the go.mod file", zipLine, upstream.Zip, content, []string{modHash}, false},
		{"go.mod", modLine, upstream.Mod, goMod, []string{modHash}, true},
		{"go.mod, changed", modLine, upstream.Mod, goMod + " ", []string{modHash}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var file strings.Builder
			for _, h := range test.hashes {
				fmt.Fprintf(&file, test.line, h)
			}
			g := parseGoSum(t, "go.sum", file.String())
			for _, v := range []verify.Verifier{g, verify.Sequence(g, new(asked))} {
				sums, err := v.Expect(t.Context(), m1, test.kind)
				if err != nil {
					t.Fatal(err)
				}
				err = v.Check(m1, test.kind, strings.NewReader(test.content), int64(len(test.content)), sums)
				if mismatch, ok := errors.AsType[*verify.MismatchError](err); ok == test.match || ok && mismatch.By != "go.sum" {
					t.Errorf("error is %v", err)
				}
			}
		})
	}
}

// What an answer is used for does not change what is answered next.
func TestGoSumIsImmutable(t *testing.T) {
	g := parseGoSum(t, "go.sum", "a.example/m v1.0.0 h1:y=\na.example/m v1.0.0 h1:z=\n")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			sums, err := g.Expect(context.Background(), m1, upstream.Zip)
			if diff := cmp.Diff(zipSums("h1:y=", "h1:z="), sums); diff != "" || err != nil {
				t.Errorf("sums (-want +got), error %v:\n%s", err, diff)
			}
			clear(sums.Zip)
		})
	}
	all.Wait()
}

// Only what is listed now counts: not what another go.sum file listed, and not
// what a checksum database vouched for.
func TestGoSumAccepts(t *testing.T) {
	m := module.Version{Path: "a.example/m", Version: "v1.0.0"}
	g := parseGoSum(t, "go.sum", "a.example/m v1.0.0/go.mod h1:now=\n")
	for verified, want := range map[string]bool{
		verify.ByGoSum + " h1:now=":    true,
		verify.ByGoSum + " h1:before=": false,
		verify.ByGoSum:                 false,
		verify.ByDatabase:              false,
		verify.ByVerifier:              false,
		verify.ByStructure:             false,
		"":                             false,
	} {
		if got := verify.Accepts(g, m, upstream.Mod, verified); got != want {
			t.Errorf("Accepts(%q) = %v", verified, got)
		}
	}
	two := verify.JoinGoSums(g, parseGoSum(t, "two", "a.example/m v1.0.0/go.mod h1:other=\na.example/m v1.0.0/go.mod h1:now=\n"))
	sums, err := two.Expect(t.Context(), m, upstream.Mod)
	if err != nil || len(sums.Mod) != 2 {
		t.Fatalf("%v, %v", sums, err)
	}
	if mark := sums.Mark(upstream.Mod); !verify.Accepts(two, m, upstream.Mod, mark) || verify.Accepts(g, m, upstream.Mod, mark) {
		t.Errorf("what has one of two hashes is marked %q: accepted by both files together, and not by one alone", mark)
	}
	if verify.Accepts(g, m, upstream.Zip, verify.ByGoSum+" h1:now=") {
		t.Error("a file that is not listed is accepted")
	}
}
