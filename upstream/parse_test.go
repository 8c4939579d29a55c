package upstream_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// parts is everything that a Request says of itself.
type parts struct {
	Kind                      upstream.Kind
	Module, Version, Database string
	Immutable                 bool
}

func partsOf(r upstream.Request) parts {
	return parts{r.Kind(), r.Module(), r.Version(), r.Database(), r.Immutable()}
}

var goodPaths = []struct {
	path string
	want parts
}{
	{"/golang.org/x/mod/@v/list", parts{Kind: upstream.List, Module: "golang.org/x/mod"}},
	{"/golang.org/x/mod/@latest", parts{Kind: upstream.Latest, Module: "golang.org/x/mod"}},
	{"/a.b/@v/list", parts{Kind: upstream.List, Module: "a.b"}},
	{"/golang.org/x/mod/@v/v0.20.0.info", parts{upstream.Info, "golang.org/x/mod", "v0.20.0", "", true}},
	{"/golang.org/x/mod/@v/v0.20.0.mod", parts{upstream.Mod, "golang.org/x/mod", "v0.20.0", "", true}},
	{"/golang.org/x/mod/@v/v0.20.0.zip", parts{upstream.Zip, "golang.org/x/mod", "v0.20.0", "", true}},

	// Upper-case letters are escaped, in paths and in versions.
	{"/github.com/!burnt!sushi/toml/@v/v1.5.0.mod", parts{upstream.Mod, "github.com/BurntSushi/toml", "v1.5.0", "", true}},
	{"/github.com/!burnt!sushi/toml/@latest", parts{Kind: upstream.Latest, Module: "github.com/BurntSushi/toml"}},
	{"/a.b/c/@v/v1.0.0-!r!c1.zip", parts{upstream.Zip, "a.b/c", "v1.0.0-RC1", "", true}},
	{"/a.b/c/@v/!feature-!x.info", parts{upstream.Info, "a.b/c", "Feature-X", "", false}},

	// Major versions.
	{"/a.b/c/v2/@v/v2.0.0.zip", parts{upstream.Zip, "a.b/c/v2", "v2.0.0", "", true}},
	{"/a.b/c/@v/v2.0.0+incompatible.mod", parts{upstream.Mod, "a.b/c", "v2.0.0+incompatible", "", true}},
	{"/gopkg.in/yaml.v2/@v/v2.4.0.zip", parts{upstream.Zip, "gopkg.in/yaml.v2", "v2.4.0", "", true}},

	// Pseudo-versions.
	{"/a.b/c/@v/v0.0.0-20200101120000-abcdef123456.mod", parts{upstream.Mod, "a.b/c", "v0.0.0-20200101120000-abcdef123456", "", true}},
	{"/a.b/c/@v/v1.2.4-0.20200101120000-abcdef123456.zip", parts{upstream.Zip, "a.b/c", "v1.2.4-0.20200101120000-abcdef123456", "", true}},
	{"/gopkg.in/check.v1/@v/v0.0.0-20161208181325-20d25e280405.mod", parts{upstream.Mod, "gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405", "", true}},
	{"/golang.org/toolchain/@v/v0.0.1-go1.21.0.linux-amd64.zip", parts{upstream.Zip, "golang.org/toolchain", "v0.0.1-go1.21.0.linux-amd64", "", true}},

	// Version queries have metadata, which may change.
	{"/a.b/c/@v/master.info", parts{upstream.Info, "a.b/c", "master", "", false}},
	{"/a.b/c/@v/v1.info", parts{upstream.Info, "a.b/c", "v1", "", false}},
	{"/a.b/c/@v/v1.2.info", parts{upstream.Info, "a.b/c", "v1.2", "", false}},
	{"/a.b/c/@v/v1.0.0+meta.info", parts{upstream.Info, "a.b/c", "v1.0.0+meta", "", false}},
	{"/a.b/c/@v/v2.0.0.info", parts{upstream.Info, "a.b/c", "v2.0.0", "", false}}, // does not fit the path
	{"/a.b/c/@v/abcdef123456.info", parts{upstream.Info, "a.b/c", "abcdef123456", "", false}},
	{"/a.b/c/@v/release.candidate.info", parts{upstream.Info, "a.b/c", "release.candidate", "", false}},
	{"/a.b/c/@v/list.info", parts{upstream.Info, "a.b/c", "list", "", false}},
	{"/a.b/c/@v/%2e%2e.info", parts{upstream.Info, "a.b/c", "%2e%2e", "", false}}, // decoded once, and never again

	// Checksum databases: host, host:port, host/path.
	{"/sumdb/sum.example/supported", parts{Kind: upstream.SumDBSupported, Database: "sum.example"}},
	{"/sumdb/sum.example/latest", parts{Kind: upstream.SumDBLatest, Database: "sum.example"}},
	{"/sumdb/sum.example:8443/latest", parts{Kind: upstream.SumDBLatest, Database: "sum.example:8443"}},
	{"/sumdb/mirror.example/a/b/supported", parts{Kind: upstream.SumDBSupported, Database: "mirror.example/a/b"}},
	{"/sumdb/sum.example/tile/8/0/001", parts{upstream.SumDBTile, "", "", "sum.example", true}},
	{"/sumdb/sum.example/tile/8/data/x001/234.p/5", parts{upstream.SumDBTile, "", "", "sum.example", true}},
	{"/sumdb/mirror.example/a/tile/8/1/000", parts{upstream.SumDBTile, "", "", "mirror.example/a", true}},
	{"/sumdb/sum.example/lookup/github.com/!burnt!sushi/toml@v1.5.0", parts{upstream.SumDBLookup, "github.com/BurntSushi/toml", "v1.5.0", "sum.example", true}},
	{"/sumdb/mirror.example/a/lookup/a.b/c@v2.0.0+incompatible", parts{upstream.SumDBLookup, "a.b/c", "v2.0.0+incompatible", "mirror.example/a", true}},
}

func TestParsePath(t *testing.T) {
	for _, test := range goodPaths {
		req, err := upstream.ParsePath(test.path)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", test.path, err)
			continue
		}
		if diff := cmp.Diff(test.want, partsOf(req)); diff != "" {
			t.Errorf("ParsePath(%q) (-want +got):\n%s", test.path, diff)
		}
		if req.URLPath() != test.path || "/"+req.Key() != test.path || "/"+req.String() != test.path {
			t.Errorf("ParsePath(%q) gives URLPath %q, Key %q, String %q", test.path, req.URLPath(), req.Key(), req)
		}
	}
}

var badPaths = []string{
	"", "/", "//", "a.b/c/@v/list", // no leading slash
	"/a.b", "/a.b/@v", "/a.b/@v/", "/a.b/@v/list/", "/a.b/@latest/", "/@v/list", "/@latest", "//@latest",
	"/a.b/@v/v1.0.0", "/a.b/@v/v1.0.0.tar", "/a.b/@v/v1.0.0.ziphash", "/a.b/@v/.info", "/a.b/@v/list.lock",
	"/a.b/@v/LIST", "/a.b/@V/list", "/a.b/@Latest",

	// Elements that mean something to a file system.
	"/../a.b/@v/list", "/a.b/../c/@v/list", "/a.b/./c/@v/list", "/a.b/@v/..", "/a.b/@v/../list", "/a.b/@v/../v1.0.0.info",
	"/a.b/@v/...info", "/a.b/c./@v/list", "/a.b/.git/@v/list", "/a.b/con/@v/list", "/a.b/x~1/@v/list",
	"//a.b/@v/list", "/a.b//c/@v/list", "/a.b//@v/list", "/a.b/@v//list", "/a.b/@v//v1.0.0.info",
	`/a.b\c/@v/list`, `/a.b/@v/..\v1.0.0.info`, `/a.b/@v/c:v1.info`, `\a.b/@v/list`,

	// Encodings that were to be decoded before, and bytes that are no text.
	"/a.b/%2e%2e/@v/list", "/%2e%2e/@v/list", "/a.b%2fc/@v/list", "/a.b/@v%2flist",
	"/a.b\x00/@v/list", "/a.b/@v/v1\x00.info", "/a.b/@v/list\x00", "/a.b/@v/list\n", "/a.b/\x1b[31m/@v/list",
	"/a.b/\xff/@v/list", "/a.b/@v/\xff.info", "/a.b/ü/@v/list", "/a.b/@v/ü.info", "/a.b/@v/a\u202eb.info",
	"/a.b/@v/list?x=y", "/a.b/@v/list#x", "/a.b/c d/@v/list",

	// Escapes: one spelling for each path.
	"/github.com/BurntSushi/toml/@v/list", "/github.com/!Burnt/@v/list", "/github.com/!/@v/list", "/github.com/!!b/@v/list",
	"/github.com/!1/@v/list", "/a.b/c!/@v/list", "/a.b/@v/v1.0.0-RC1.info", "/a.b/@v/!!x.info", "/a.b/@v/x!.info", "/a.b/@v/!1.info",

	"/a.b/@v/@v/list", "/a.b/@v/@v/v1.0.0.info", "/a.b/@v/v1.0.0.info/@v/list", "/a.b/@v/v1.0.0/@latest", "/a.b@v1/@v/list",
	"/a.b/@v/feature/x.info", // a branch with a slash has no spelling in the protocol
	"/nodot/@v/list", "/sumdb/@v/list", "/-a.b/@v/list", "/a.b/-c/@v/..info", "/a.b/v1/@v/list", "/a.b/v02/@v/list",

	// Only metadata is served for what is not a canonical version of the path.
	"/a.b/@v/master.mod", "/a.b/@v/master.zip", "/a.b/@v/v1.zip", "/a.b/@v/v1.2.mod", "/a.b/@v/v1.0.0+meta.mod",
	"/a.b/@v/1.0.0.mod", "/a.b/@v/v01.0.0.mod", "/a.b/@v/v2.0.0.mod", "/a.b/v2/@v/v1.0.0.zip", "/a.b/v2/@v/v3.0.0.mod",
	"/gopkg.in/yaml.v2/@v/v3.0.0.mod", "/a.b/c/v3/@v/v2.0.0+incompatible.mod",

	"/sumdb/", "/sumdb/latest", "/sumdb//latest", "/sumdb/sum.example", "/sumdb/sum.example/", "/sumdb/sum.example/other",
	"/sumdb/sum.example/latest/", "/sumdb/sum.example/supported/x", "/sumdb/../latest", "/sumdb/./latest", "/sumdb/a/../latest",
	"/sumdb/a//latest", "/sumdb/.hidden/latest", "/sumdb/a b/latest", "/sumdb/a@b/latest", "/sumdb/user:x@host/latest", "/sumdb/a\x00/latest",
	"/sumdb/sum.example/tile/", "/sumdb/sum.example/tile/8/0/1", "/sumdb/sum.example/tile/8/0/../001", "/sumdb/sum.example/tile/8/0/x001",
	"/sumdb/sum.example/tile/99/0/000", "/sumdb/sum.example/tile/8/0/000.p/256", "/sumdb/sum.example/tile/08/0/000",
	"/sumdb/sum.example/lookup/", "/sumdb/sum.example/lookup/a.b", "/sumdb/sum.example/lookup/a.b@", "/sumdb/sum.example/lookup/@v1.0.0",
	"/sumdb/sum.example/lookup/a.b@master", "/sumdb/sum.example/lookup/a.b@v2.0.0", "/sumdb/sum.example/lookup/a.B@v1.0.0",
	"/sumdb/sum.example/lookup/a.b@v1.0.0@v1.0.0", "/sumdb/sum.example/lookup/a.b@v1.0.0/", "/sumdb/sum.example/lookup/../a.b@v1.0.0",

	// A name that ends like a resource would put a directory where a file is kept.
	"/sumdb/sum.example/latest/supported", "/sumdb/sum.example/supported/latest",

	"/a.b/" + strings.Repeat("x", 100<<10) + "/@v/list",
	strings.Repeat("/a.b", 25<<10),
	"/a.b" + strings.Repeat("/c", 1100) + "/@v/list",
}

func TestParsePathRefuses(t *testing.T) {
	for _, path := range badPaths {
		req, err := upstream.ParsePath(path)
		if err == nil {
			t.Errorf("ParsePath(%.80q) = %v, want an error", path, req.Kind())
			continue
		}
		if req != (upstream.Request{}) {
			t.Errorf("ParsePath(%.80q) returns a Request beside its error", path)
		}
		e := wantError(t, err, upstream.NotFound)
		if e.Source != "" || e.Err == nil {
			t.Errorf("ParsePath(%.80q): error names source %q and cause %v", path, e.Source, e.Err)
		}
	}
}

// What a stranger sends ends up in logs and in answers.
func TestParsePathErrorIsOnePrintableLine(t *testing.T) {
	for _, path := range badPaths {
		_, err := upstream.ParsePath(path)
		if err == nil {
			continue // reported above
		}
		if text := err.Error(); !isPrintable(text) || len(text) > 2*2048+300 {
			t.Errorf("ParsePath(%.80q): %d bytes of error %.300q", path, len(text), text)
		}
	}
}
