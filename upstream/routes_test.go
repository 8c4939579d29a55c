package upstream_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestRoutes(t *testing.T) {
	tests := []struct{ key, want string }{
		{"golang.org/x/mod/@v/list", "public"},
		{"corp.example/@v/list", "corp"},
		{"corp.example/a/b/@latest", "corp"},
		{"corp.example/a/v2/@v/v2.0.0.zip", "corp"},
		{"corp.example/a/@v/master.info", "corp"},
		{"sub.git.example/a/@v/list", "corp"},
		{"git.example/a/@v/list", "public"},             // the pattern is *.git.example
		{"corp.example.evil.example/@v/list", "public"}, // patterns match whole elements
		{"corp.examples/@v/list", "public"},
		{"not.example/corp.example/@v/list", "public"},
		{"github.com/!team/x/@v/list", "team"},
		{"github.com/team/x/@v/list", "public"}, // case matters, as in GOPRIVATE
		{"corp.example/secret/@v/list", "corp"}, // the first route that matches

		{"sumdb/sum.example/lookup/corp.example/a@v1.0.0", "corp"},
		{"sumdb/sum.example/lookup/github.com/!team/x@v1.0.0", "team"},
		{"sumdb/sum.example/lookup/golang.org/x/mod@v0.20.0", "public"},
		{"sumdb/sum.example/latest", "public"},
		{"sumdb/sum.example/supported", "public"},
		{"sumdb/corp.example/tile/8/0/000", "public"}, // names no module
	}
	for _, test := range tests {
		for _, failure := range []*upstream.Error{nil, {Class: upstream.Unavailable}, {Class: upstream.NotFound}} {
			asked := &log{}
			u := upstream.Routes(&source{name: "public", log: asked, err: failure},
				upstream.Route{Patterns: "corp.example,*.git.example", Upstream: &source{name: "corp", log: asked, err: failure}},
				upstream.Route{Patterns: "corp.example/secret", Upstream: &source{name: "secret", log: asked, err: failure}},
				upstream.Route{Patterns: "github.com/Team", Upstream: &source{name: "team", log: asked, err: failure}},
			)
			_, err := u.Fetch(t.Context(), request(t, test.key))
			if failure != nil {
				wantError(t, err, failure.Class)
			} else if err != nil {
				t.Errorf("%s: %v", test.key, err)
			}
			if diff := cmp.Diff([]string{test.want}, asked.lines); diff != "" {
				t.Errorf("%s, with failure %v: asked (-want +got):\n%s", test.key, failure, diff)
			}
		}
	}
}

func TestCheckPatterns(t *testing.T) {
	const (
		space   = "holds a space"
		url     = "holds a colon or an @"
		empty   = "has an empty element"
		dots    = "begins or ends with a dot"
		host    = "upper case letters in its host"
		foreign = "which no module path has"
	)
	for _, tt := range []struct{ patterns, wrong string }{
		// What the go command takes, too.
		{"", ""},
		{"none", ""},
		{"*", ""},
		{"corp.example", ""},
		{"corp.example,", ""},
		{"corp.example/", ""},
		{",corp.example,,git.example", ""},
		{"*.corp.example,git.example/team/*", ""},
		{"github.com/Acme/*", ""},
		{"github.com/[A-Z]*/~x_y", ""},
		{"git[0-9^a].corp.example,corp.e?ample", ""},

		{"corp.example/[", "syntax error"},
		{"git.example,corp.example/[", `"corp.example/["`},
		{",", "is empty"},
		{",,", "is empty"},
		{"a.example, b.example", space},
		{"a.example b.example", space},
		{"a.example\r", space},
		{"a.example\u00a0", space},

		// What no module path matches.
		{"https://corp.example", url},
		{"corp.example:8443/team", url},
		{"git@corp.example/team", url},
		{"corp.example/x@v1.0.0", `"corp.example/x@v1.0.0" ` + url},
		{"https://user:pass@word@corp.example/x", `pattern "...@corp.example/x" ` + url},
		{"corp.example/...", dots},
		{"...", dots},
		{"corp.example/team...", dots},
		{".corp.example", dots},
		{"corp.example/.git", dots},
		{"corp.example/*.", dots},
		{"/corp.example", empty},
		{"corp.example//", empty},
		{"corp.example//team", empty},
		{"/", empty},
		{"Corp.example/team", host},
		{"*.Corp.example", host},
		{"corp.example/!team", "upper case letter as it is"},
		{"a.example;b.example", foreign},
		{"corp.example/{a,b}", foreign},
		{"corp.example/bäcker", foreign},
		{"a.example,corp.example/x\x00", foreign},
		{"corp.example/\xff", foreign},
	} {
		err := upstream.CheckPatterns(tt.patterns)
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%q: %v, want %q", tt.patterns, err, tt.wrong)
		}
	}
}

// Where nobody knows which paths were meant to stay private, nothing that names
// a module is asked anywhere.
func TestRoutesWithBadPatternsAreClosed(t *testing.T) {
	asked := &log{}
	rest := &source{name: "public", log: asked}
	for _, patterns := range []string{"a.example, corp.example", "corp.example/[", "corp.example/...", "", ","} {
		u := upstream.Routes(rest, upstream.Route{Patterns: patterns, Upstream: upstream.Off()})
		u = upstream.Wrap(u, func(next upstream.Upstream) upstream.Upstream { return next })
		_, err := u.Fetch(t.Context(), request(t, "corp.example/secret/@v/list"))
		if upstream.ClassOf(err) != upstream.Denied {
			t.Errorf("%q: %v, want denied", patterns, err)
		}
	}
	if got := asked.lines; got != nil {
		t.Errorf("the public source was asked for %v", got)
	}
}
