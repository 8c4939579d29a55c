package upstream

import (
	"context"
	"fmt"
)

// An Upstream is a place that module files come from: a module proxy, a
// directory, a version control system, or a combination of such places.
//
// A Response means success, and its Body must be closed. Everything else is an
// error, and the error is an [*Error] so that its class can be told: an
// implementation reports an absent file as class [NotFound] and nothing else as
// that. An error of another type counts as [Unavailable], or as what [ClassOf]
// says of the context's errors.
//
// A source should also be [Named], or it is called by its Go type; [WithName]
// gives any a name.
//
// Fetch honours ctx: when ctx ends it returns soon, with an error of class
// [Canceled] or [Timeout]. Fetch may be called by many goroutines at once.
type Upstream interface {
	Fetch(ctx context.Context, req Request) (*Response, error)
}

// Func makes an Upstream of an ordinary function.
type Func func(ctx context.Context, req Request) (*Response, error)

// Fetch calls f.
func (f Func) Fetch(ctx context.Context, req Request) (*Response, error) { return f(ctx, req) }

// Middleware wraps an Upstream in another one. The result should have a method
// Unwrap() Upstream, so that [As] finds what is behind it.
type Middleware func(Upstream) Upstream

// Chain applies middleware to u so that the first one named is the outermost:
// it sees the request first and the response last.
func Chain(u Upstream, ms ...Middleware) Upstream {
	for i := len(ms) - 1; i >= 0; i-- {
		u = ms[i](u)
	}
	return u
}

// As finds the first Upstream in u's chain that is a T. The chain is u and what
// Unwrap() Upstream returns, repeatedly. It is how optional interfaces are
// reached behind middleware; it does not enter the members of a [Group].
func As[T any](u Upstream) (T, bool) {
	for u != nil {
		if t, ok := u.(T); ok {
			return t, true
		}
		w, ok := u.(interface{ Unwrap() Upstream })
		if !ok {
			break
		}
		u = w.Unwrap()
	}
	var zero T
	return zero, false
}

// Named is implemented by an Upstream that has a name to show in errors, logs
// and statistics. A name never holds a credential.
type Named interface {
	Name() string
}

// WithName returns u under that name.
func WithName(name string, u Upstream) Upstream { return &named{u, name} }

type named struct {
	Upstream
	name string
}

func (n *named) Name() string     { return n.name }
func (n *named) Unwrap() Upstream { return n.Upstream }

// Name returns u's name, looking behind middleware; an Upstream without one is
// called by its Go type.
func Name(u Upstream) string {
	if n, ok := As[Named](u); ok {
		return n.Name()
	}
	for {
		w, ok := u.(interface{ Unwrap() Upstream })
		if !ok {
			return fmt.Sprintf("%T", u)
		}
		u = w.Unwrap()
	}
}
