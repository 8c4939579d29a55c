package upstream

import (
	"context"
	"slices"
)

// A Step is an entry of a [Fallback] list.
type Step struct {
	Upstream Upstream

	// OnAnyError says when the next step is asked: after any error, as behind
	// a "|" in GOPROXY, or, if false, only after "not found", as behind a ",".
	OnAnyError bool
}

// Fallback asks the steps in order until one answers, by the go command's
// rules for GOPROXY (modfetch/proxy.go, TryProxies). That a "," goes on only
// after "not found" keeps a private module's name from public sources while
// the private one is down, so it is not loosened. Once the caller has gone, no
// further step is asked. With no steps everything is unavailable.
func Fallback(steps ...Step) Upstream {
	return &fallback{slices.Clone(steps)}
}

type fallback struct{ steps []Step }

func (f *fallback) Fetch(ctx context.Context, req Request) (*Response, error) {
	var attempts []*Error
	for i, step := range f.steps {
		resp, err := step.Upstream.Fetch(ctx, req)
		if err == nil {
			return resp, nil
		}
		e := AsError(err, req, Name(step.Upstream))
		attempts = append(attempts, e)
		if !step.OnAnyError && !absent(e) {
			break
		}
		if ctx.Err() != nil && i < len(f.steps)-1 {
			return nil, cutShort(ctx, req, attempts)
		}
	}
	if attempts == nil {
		return nil, &Error{Request: req, Err: errNoSources}
	}
	return nil, merge(attempts)
}

// absent reports whether e proves that the thing does not exist there. The "not
// found" of a group of mirrors does not while one of them was failing.
func absent(e *Error) bool { return e.Class == NotFound && e.Conclusive() }

func (f *fallback) Members() []Upstream {
	members := make([]Upstream, len(f.steps))
	for i, step := range f.steps {
		members[i] = step.Upstream
	}
	return members
}

func (f *fallback) With(members []Upstream) Upstream {
	steps := slices.Clone(f.steps)
	for i := range steps {
		steps[i].Upstream = members[i]
	}
	return &fallback{steps}
}
