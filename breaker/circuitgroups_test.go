package breaker_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Each source in a group has a circuit of its own, and the group takes an open
// one for what it is: an outage, never absence.
func TestCircuitsInGroups(t *testing.T) {
	comma := func(a, b upstream.Upstream) upstream.Upstream {
		return upstream.Fallback(upstream.Step{Upstream: a}, upstream.Step{Upstream: b})
	}
	pipe := func(a, b upstream.Upstream) upstream.Upstream {
		return upstream.Fallback(upstream.Step{Upstream: a, OnAnyError: true}, upstream.Step{Upstream: b})
	}
	mirrors := func(a, b upstream.Upstream) upstream.Upstream { return upstream.Mirrors(a, b) }

	type result struct {
		AskedA, AskedB int64 // once a's circuit is open
		Answered, Open bool
		Absent         bool
	}
	const has = upstream.Class(100) // not a class of errors
	tests := []struct {
		name  string
		group func(a, b upstream.Upstream) upstream.Upstream
		b     upstream.Class
		want  result
	}{
		{"a comma protects private names from a circuit, too", comma, has, result{Open: true}},
		{"a pipe goes on", pipe, has, result{AskedB: 3, Answered: true}},
		{"a pipe to a source without it", pipe, upstream.NotFound, result{AskedB: 3, Open: true}},
		{"a mirror steps in", mirrors, has, result{AskedB: 3, Answered: true}},
		{"a mirror without it", mirrors, upstream.NotFound, result{AskedB: 3, Absent: true}},
		{"a mirror that is down", mirrors, upstream.Unavailable, result{Open: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := down("a"), &source{name: "b"}
			if test.b != has {
				b.fails(upstream.Error{Class: test.b})
			}
			u := upstream.Wrap(test.group(a, b), breaker.Circuit(&breaker.CircuitOptions{OpenFor: time.Hour}))
			askTimes(t, u, 5)
			a.asked.Store(0)
			b.asked.Store(0)

			askTimes(t, u, 2)
			err := ask(t.Context(), t, u, modKey)
			got := result{
				AskedA: a.asked.Load(), AskedB: b.asked.Load(),
				Answered: err == nil, Open: errors.Is(err, breaker.ErrOpen), Absent: errors.Is(err, fs.ErrNotExist),
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error %v, result (-want +got):\n%s", err, diff)
			}
			if e, ok := errors.AsType[*upstream.Error](err); ok && e.Class == upstream.NotFound && e.Conclusive() {
				t.Error("absence is said to be certain though a mirror was not asked")
			}
		})
	}
}

// tagged is an optional upgrade that a source may have.
type tagged struct {
	*source
	tag string
}

func (s tagged) Tag() string { return s.tag }

func TestMiddlewareUnwraps(t *testing.T) {
	s := tagged{down("proxy"), "seen"}
	for name, m := range map[string]upstream.Middleware{
		"circuit": breaker.Circuit(nil),
		"retry":   breaker.Retry(nil),
	} {
		t.Run(name, func(t *testing.T) {
			u := m(s)
			if got := upstream.Name(u); got != "proxy" {
				t.Errorf("name is %q, want that of the source", got)
			}
			if got, ok := upstream.As[interface{ Tag() string }](u); !ok || got.Tag() != "seen" {
				t.Error("the source's upgrade is not found")
			}
			if got := u.(interface{ Unwrap() upstream.Upstream }).Unwrap(); got != upstream.Upstream(s) {
				t.Errorf("unwraps to %v", got)
			}
		})
	}
}
