package upstream

import (
	"context"
	"errors"
	"slices"
)

var errNoSources = errors.New("no source is configured for it")

// Mirrors asks members that are equal: each is supposed to have everything.
// They are asked in order until one answers; any failure moves on, and "not
// found" asks the others too, for a mirror may be behind. If nobody has it and
// any member said "not found", that is the answer, but where other members
// were failing it is not conclusive (see [Error.Conclusive]). With no members
// everything is unavailable.
//
// Use it only for sources that may all see the same module paths.
func Mirrors(members ...Upstream) Upstream {
	return &mirrors{slices.Clone(members)}
}

type mirrors struct{ members []Upstream }

func (m *mirrors) Fetch(ctx context.Context, req Request) (*Response, error) {
	var attempts []*Error
	for i, member := range m.members {
		resp, err := member.Fetch(ctx, req)
		if err == nil {
			return resp, nil
		}
		attempts = append(attempts, AsError(err, req, Name(member)))
		if ctx.Err() != nil && i < len(m.members)-1 {
			return nil, cutShort(ctx, req, attempts)
		}
	}
	if attempts == nil {
		return nil, &Error{Request: req, Err: errNoSources}
	}
	for _, e := range attempts {
		if e.Class == NotFound && len(attempts) > 1 {
			return nil, withAttempts(e, attempts)
		}
	}
	return nil, merge(attempts)
}

func (m *mirrors) Members() []Upstream { return slices.Clone(m.members) }

func (m *mirrors) With(members []Upstream) Upstream { return Mirrors(members...) }
