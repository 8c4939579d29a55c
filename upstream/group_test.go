package upstream_test

import (
	"context"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// tag is middleware that writes down its word before it asks.
func tag(word string, l *log) upstream.Middleware {
	return func(u upstream.Upstream) upstream.Upstream { return &tagged{u, word, l} }
}

type tagged struct {
	next upstream.Upstream
	word string
	log  *log
}

func (g *tagged) Unwrap() upstream.Upstream { return g.next }

func (g *tagged) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	g.log.add(g.word)
	return g.next.Fetch(ctx, req)
}

// tree returns nested groups whose sources all fail, so that each is asked.
func tree(l *log) upstream.Upstream {
	down := &upstream.Error{}
	named := func(name string) upstream.Upstream { return &source{name, l, down} }
	return upstream.Routes(
		upstream.Fallback(
			upstream.Step{Upstream: upstream.Mirrors(named("a"), named("b")), OnAnyError: true},
			upstream.Step{Upstream: named("c")},
			upstream.Step{Upstream: named("never asked")},
		),
		upstream.Route{Patterns: "corp.example", Upstream: named("d")},
	)
}

func names(us []upstream.Upstream) (all []string) {
	for _, u := range us {
		all = append(all, upstream.Name(u))
	}
	return all
}

func TestSources(t *testing.T) {
	want := []string{"a", "b", "c", "never asked", "d"}
	if diff := cmp.Diff(want, names(upstream.Sources(tree(nil)))); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a"}, names(upstream.Sources(&source{name: "a"}))); diff != "" {
		t.Errorf("sources of a source (-want +got):\n%s", diff)
	}
}

// Wrapping changes neither who is asked, nor in which order, nor the original.
func TestWrap(t *testing.T) {
	l := &log{}
	plain := tree(l)
	wrapped := upstream.Wrap(plain, tag("+", l))
	tests := []struct {
		u    upstream.Upstream
		key  string
		want []string
	}{
		{wrapped, "a.b/c/@latest", []string{"+", "a", "+", "b", "+", "c"}},
		{wrapped, "corp.example/x/@latest", []string{"+", "d"}},
		{plain, "a.b/c/@latest", []string{"a", "b", "c"}},
		{plain, "corp.example/x/@latest", []string{"d"}},
	}
	for _, test := range tests {
		l.lines = nil
		_, err := test.u.Fetch(t.Context(), request(t, test.key))
		wantError(t, err, upstream.Unavailable)
		if diff := cmp.Diff(test.want, l.lines); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.key, diff)
		}
	}
	if diff := cmp.Diff(names(upstream.Sources(plain)), names(upstream.Sources(wrapped))); diff != "" {
		t.Errorf("sources (-plain +wrapped):\n%s", diff)
	}
}

func TestWrapSource(t *testing.T) {
	l := &log{}
	upstream.Wrap(&source{name: "a", log: l}, tag("+", l)).Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if diff := cmp.Diff([]string{"+", "a"}, l.lines); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
