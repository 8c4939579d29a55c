package upstream_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Sources with capital letters fail.
func TestReachedFor(t *testing.T) {
	source := func(name string) upstream.Upstream { return upstream.WithName(name, upstream.Direct()) }
	comma := func(name string) upstream.Step { return upstream.Step{Upstream: source(name)} }
	pipe := func(name string) upstream.Step { return upstream.Step{Upstream: source(name), OnAnyError: true} }
	list := func(steps ...upstream.Step) upstream.Upstream { return upstream.Fallback(steps...) }
	private := []upstream.Route{{Patterns: "corp.example", Upstream: source("private")}}
	tests := []struct {
		name   string
		u      upstream.Upstream
		module string
		want   string
	}{
		{"one source", source("A"), "example.com/m", "A"},
		{"a list of those that work", list(comma("a"), comma("b")), "example.com/m", "a b"},
		{"behind a comma", list(comma("A"), comma("b")), "example.com/m", "A"},
		{"behind a pipe", list(pipe("A"), comma("b")), "example.com/m", "A b"},
		{"behind both", list(pipe("A"), comma("b"), comma("c")), "example.com/m", "A b c"},
		{"the last before the comma counts", list(pipe("a"), comma("B"), comma("c")), "example.com/m", "a B"},
		{"the last of all", list(comma("a"), comma("B")), "example.com/m", "a B"},
		{"mirrors", upstream.Mirrors(source("A"), source("b")), "example.com/m", "A b"},
		{"mirrors before a comma", list(upstream.Step{Upstream: upstream.Mirrors(source("A"), source("b"))}, comma("c")), "example.com/m", "A b"},
		{"a route", upstream.Routes(list(comma("A"), comma("b")), private...), "corp.example/m", "private"},
		{"no route", upstream.Routes(list(comma("A"), comma("b")), private...), "example.com/m", "A"},
		{"in a race", upstream.Hedge(list(comma("A"), comma("b")), nil), "example.com/m", "A"},
	}
	fails := func(u upstream.Upstream) bool { return strings.ToUpper(upstream.Name(u)) == upstream.Name(u) }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := upstream.NewRequest(upstream.List, tt.module, "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range upstream.ReachedFor(tt.u, req, fails) {
				got = append(got, upstream.Name(u))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
