package upstream_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// The error of a list is the most helpful one, and holds all the others.
func TestRank(t *testing.T) {
	const (
		notFound    = upstream.NotFound
		unavailable = upstream.Unavailable
		denied      = upstream.Denied
		untrusted   = upstream.Untrusted
	)
	tests := []struct {
		name    string
		classes []upstream.Class
		best    int // index of the error that is shown
	}{
		{"alone", []upstream.Class{denied}, 0},
		{"later of two equals", []upstream.Class{notFound, notFound}, 1},
		{"later of two failures", []upstream.Class{unavailable, denied}, 1},
		{"failure before not found", []upstream.Class{unavailable, notFound}, 0},
		{"failure after not found", []upstream.Class{notFound, unavailable, notFound}, 1},
		{"untrusted before all", []upstream.Class{notFound, untrusted, unavailable, denied, notFound}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var steps []upstream.Step
			names := []string{"a", "b", "c", "d", "e"}[:len(test.classes)]
			for i, class := range test.classes {
				steps = append(steps, upstream.Step{
					Upstream:   &source{name: names[i], err: &upstream.Error{Class: class}},
					OnAnyError: true,
				})
			}
			_, err := upstream.Fallback(steps...).Fetch(t.Context(), request(t, "a.b/c/@latest"))
			e := wantError(t, err, test.classes[test.best])
			if e.Source != names[test.best] {
				t.Errorf("the error shown is that of %s, want %s", e.Source, names[test.best])
			}
			var attempts []string
			for _, a := range e.Attempts {
				attempts = append(attempts, a.Source)
			}
			if len(names) == 1 {
				names = nil // it would only repeat itself
			}
			if diff := cmp.Diff(names, attempts); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConclusive(t *testing.T) {
	of := func(classes ...upstream.Class) *upstream.Error {
		e := &upstream.Error{Class: upstream.NotFound}
		for _, c := range classes {
			e.Attempts = append(e.Attempts, &upstream.Error{Class: c})
		}
		return e
	}
	tests := []struct {
		err  *upstream.Error
		want bool
	}{
		{of(), true},
		{of(upstream.NotFound, upstream.NotFound), true},
		{of(upstream.NotFound, upstream.Unavailable), false},
		{of(upstream.Denied, upstream.NotFound), false},
	}
	for _, test := range tests {
		if got := test.err.Conclusive(); got != test.want {
			t.Errorf("Conclusive() = %v, want %v, after\n%v", got, test.want, test.err)
		}
	}
}

// "direct" cannot be asked yet, so what it says is less helpful than what any
// source says that was asked.
func TestBuiltinsSpeakLast(t *testing.T) {
	for _, builtin := range []upstream.Upstream{upstream.Direct(), upstream.Off()} {
		u := upstream.Fallback(
			upstream.Step{Upstream: &source{name: "proxy", err: &upstream.Error{Class: upstream.NotFound, Status: 410}}},
			upstream.Step{Upstream: builtin},
		)
		_, err := u.Fetch(t.Context(), request(t, "a.b/c/@v/list"))
		if e := wantError(t, err, upstream.NotFound); e.Source != "proxy" || e.Status != 410 || len(e.Attempts) != 2 {
			t.Errorf("before %s: %v", upstream.Name(builtin), err)
		}
	}
}
