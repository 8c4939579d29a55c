package upstream_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// build makes a Request from the parts of another one.
func build(p parts, key string) (upstream.Request, error) {
	if p.Kind.SumDB() {
		return upstream.NewSumDBRequest(p.Database, strings.TrimPrefix(key, "sumdb/"+p.Database+"/"))
	}
	return upstream.NewRequest(p.Kind, p.Module, p.Version)
}

func TestRequestFromItsPartsIsTheSame(t *testing.T) {
	for _, test := range goodPaths {
		parsed := request(t, test.path[1:])
		built, err := build(test.want, test.path[1:])
		if err != nil {
			t.Errorf("building %s: %v", test.path, err)
		} else if built != parsed {
			t.Errorf("built %+v, parsed %+v", built, parsed)
		}
	}
}

func TestNewRequestRefuses(t *testing.T) {
	const good = "v1.0.0"
	tests := []struct {
		kind          upstream.Kind
		path, version string
	}{
		{0, "a.b/c", good},
		{99, "a.b/c", good},
		{upstream.SumDBLookup, "a.b/c", good},
		{upstream.SumDBLatest, "a.b/c", ""},
		{upstream.List, "a.b/c", good},
		{upstream.Latest, "a.b/c", good},
		{upstream.List, "", ""},
		{upstream.List, "nodot", ""},
		{upstream.List, "a.b/../c", ""},
		{upstream.List, "/a.b/c", ""},
		{upstream.List, "a.b/c/", ""},
		{upstream.List, "a.b/!c", ""}, // escaped already
		{upstream.List, "a.b/\x00", ""},
		{upstream.List, "a.b/\xff", ""},
		{upstream.List, "a.b/" + strings.Repeat("c", 3000), ""},
		{upstream.List, "a.b/" + strings.Repeat("C", 1100), ""}, // too long once it is escaped
		{upstream.Info, "a.b/c", ""},
		{upstream.Info, "a.b/c", ".."},
		{upstream.Info, "a.b/c", "../../x"},
		{upstream.Info, "a.b/c", "feature/x"},
		{upstream.Info, "a.b/c", "x!y"},
		{upstream.Info, "a.b/c", "x\ny"},
		{upstream.Info, "a.b/c", strings.Repeat("x", 100<<10)},
		{upstream.Mod, "a.b/c", "master"},
		{upstream.Mod, "a.b/c", "v1"},
		{upstream.Mod, "a.b/c", "v2.0.0"},
		{upstream.Mod, "a.b/c/v2", good},
		{upstream.Zip, "a.b/c", "v1.0.0+meta"},
		{upstream.Zip, "a.b/c", ""},
	}
	for _, test := range tests {
		req, err := upstream.NewRequest(test.kind, test.path, test.version)
		if err == nil {
			t.Errorf("NewRequest(%v, %.80q, %.80q) = %q, want an error", test.kind, test.path, test.version, req.Key())
			continue
		}
		wantError(t, err, upstream.NotFound)
		if !isPrintable(err.Error()) {
			t.Errorf("NewRequest(%v, %.80q, %.80q): error is not one printable line: %.300q", test.kind, test.path, test.version, err)
		}
	}
}

func TestNewSumDBRequest(t *testing.T) {
	tests := []struct {
		database, resource, want string
	}{
		{"sum.example", "latest", "sumdb/sum.example/latest"},
		{"sum.example", "/latest", "sumdb/sum.example/latest"},
		{"sum.example:1234/x", "tile/8/0/000", "sumdb/sum.example:1234/x/tile/8/0/000"},
		{"sum.example", "/lookup/a.b/!c@v1.0.0", "sumdb/sum.example/lookup/a.b/!c@v1.0.0"},
		{"sum.example", "lookup/a.b/C@v1.0.0", ""},
		{"sum.example", "//latest", ""},
		{"sum.example", "", ""},
		{"sum.example", "x/latest", ""},      // reaches into the name
		{"sum.example/lookup", "latest", ""}, // would read as a look-up
		{"sum.example/", "latest", ""},
		{"/sum.example", "latest", ""},
		{"", "latest", ""},
		{"..", "latest", ""},
		{"sum.example+123+key", "latest", ""},
		{"https://sum.example", "latest", ""},
		{"user@sum.example", "latest", ""},
	}
	for _, test := range tests {
		req, err := upstream.NewSumDBRequest(test.database, test.resource)
		if req.Key() != test.want {
			t.Errorf("NewSumDBRequest(%q, %q) = %q, %v; want %q", test.database, test.resource, req.Key(), err, test.want)
		}
		if test.want == "" {
			wantError(t, err, upstream.NotFound)
		}
	}
}

func TestRequestIsAMapKey(t *testing.T) {
	seen := make(map[upstream.Request]bool)
	for _, test := range goodPaths {
		if req := request(t, test.path[1:]); seen[req] {
			t.Errorf("%s: equal to another path's Request", test.path)
		} else {
			seen[req] = true
		}
	}
	if again, _ := upstream.NewRequest(upstream.List, "golang.org/x/mod", ""); !seen[again] {
		t.Error("the same question, built another way, is a different key")
	}
}

func TestRequestKeyDoesNotAllocate(t *testing.T) {
	for _, test := range goodPaths {
		req := request(t, test.path[1:])
		var key, path string
		if n := testing.AllocsPerRun(10, func() { key, path = req.Key(), req.URLPath() }); n != 0 {
			t.Errorf("%s%s: %v allocations", path, key, n)
		}
	}
}

func TestZeroRequest(t *testing.T) {
	var zero upstream.Request
	if diff := cmp.Diff(parts{}, partsOf(zero)); diff != "" {
		t.Errorf("parts of the zero Request (-want +got):\n%s", diff)
	}
	if zero.Key() != "" || zero.URLPath() != "" || zero.String() != "" {
		t.Errorf("Key %q, URLPath %q, String %q; want nothing", zero.Key(), zero.URLPath(), zero)
	}
}
