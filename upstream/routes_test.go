package upstream_test

import (
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
				upstream.Route{Patterns: "github.com/Team/", Upstream: &source{name: "team", log: asked, err: failure}},
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
	for patterns, ok := range map[string]bool{
		"":                                  true,
		"corp.example":                      true,
		"*.corp.example,git.example/team/*": true,
		"corp.example,":                     true,
		"corp.example/[":                    false,
		"a.example, b.example":              false,
		"a.example b.example":               false,
	} {
		if err := upstream.CheckPatterns(patterns); (err == nil) != ok {
			t.Errorf("%q: %v, want ok = %v", patterns, err, ok)
		}
	}
}

// Where nobody knows which paths were meant to stay private, nothing that names
// a module is asked anywhere.
func TestRoutesWithBadPatternsAreClosed(t *testing.T) {
	asked := &log{}
	rest := &source{name: "public", log: asked}
	for _, patterns := range []string{"a.example, corp.example", "corp.example/["} {
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
