package fetch

import (
	"context"
	"slices"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxParts bounds how many parts of a source are remembered. One that is forgotten
// begins anew, as if nothing were known of it.
const maxParts = 1024

// partition returns m for a source that is one server, and for one that is
// [upstream.Parted] middleware that gives each part an m of its own. What is known
// of the parts is then not known of the source: [upstream.HealthOf] says that it
// works.
func partition(m upstream.Middleware) upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream {
		source, ok := upstream.As[upstream.Parted](next)
		if !ok {
			return m(next)
		}
		parts, _ := lru.New[string, upstream.Upstream](maxParts) // fails only for a size below 1
		return &partitioned{next, source, m, parts}
	}
}

type partitioned struct {
	next   upstream.Upstream
	source upstream.Parted
	m      upstream.Middleware
	parts  *lru.Cache[string, upstream.Upstream]
}

func (p *partitioned) Unwrap() upstream.Upstream { return p.next }

func (p *partitioned) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	return p.of(p.source.Part(req)).Fetch(ctx, req)
}

// ailing returns what is known of the parts that are out or on trial.
func (p *partitioned) ailing() []breaker.Standing {
	all := breaker.Standings(p.parts.Values(), nil)
	return slices.DeleteFunc(all, func(s breaker.Standing) bool {
		return !slices.ContainsFunc(s.Health[:], func(h upstream.Health) bool { return h.State != upstream.Working })
	})
}

// of returns the middleware of a part. Two that make it at once agree on one.
func (p *partitioned) of(part string) upstream.Upstream {
	if one, ok := p.parts.Get(part); ok {
		return one
	}
	name := upstream.Name(p.next)
	if part != "" {
		name += " (" + part + ")"
	}
	made := p.m(upstream.WithName(name, p.next))
	if one, ok, _ := p.parts.PeekOrAdd(part, made); ok {
		return one
	}
	return made
}
