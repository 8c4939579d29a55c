package upstream_test

import (
	"context"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestChain(t *testing.T) {
	l := &log{}
	u := upstream.Chain(&source{name: "source", log: l}, tag("first", l), tag("second", l))
	if _, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second", "source"}, l.lines); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	bare := &source{}
	if upstream.Chain(bare) != upstream.Upstream(bare) {
		t.Error("a chain without middleware is not the source itself")
	}
}

func TestAs(t *testing.T) {
	inner := &source{name: "a"}
	u := upstream.Chain(inner, tag("x", nil), tag("y", nil))
	if got, ok := upstream.As[*source](u); !ok || got != inner {
		t.Errorf("As found %v, %v; want the source behind the middleware", got, ok)
	}
	if got, ok := upstream.As[*tagged](u); !ok || got.word != "x" && got != u {
		t.Errorf("As found %v, %v; want the outermost that fits", got, ok)
	}
	if got, ok := upstream.As[upstream.Group](u); ok {
		t.Errorf("As found %v, want nothing", got)
	}
	if _, ok := upstream.As[*source](upstream.Mirrors(inner)); ok {
		t.Error("As looked into the members of a group")
	}
	if _, ok := upstream.As[*source](nil); ok {
		t.Error("As found something in nil")
	}
}

func TestName(t *testing.T) {
	fetch := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, nil })
	tests := []struct {
		u    upstream.Upstream
		want string
	}{
		{&source{name: "a"}, "a"},
		{tag("x", nil)(&source{name: "a"}), "a"},
		{fetch, "upstream.Func"},
		{upstream.Off(), "off"},
		{upstream.Direct(), "direct"},
		{newHTTP(t, "https://user:pw@proxy.example/x/", nil), "https://xxxxx@proxy.example/x/"},
		{newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Name: "nearest"}), "nearest"},
		{upstream.Dir("/var/proxy"), "file:///var/proxy"},
		{upstream.FS("embedded", nil), "embedded"},
	}
	for _, test := range tests {
		if got := upstream.Name(test.u); got != test.want {
			t.Errorf("Name is %q, want %q", got, test.want)
		}
	}
}
