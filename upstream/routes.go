package upstream

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// A Route sends some module paths to an Upstream of their own.
type Route struct {
	// Patterns is a comma-separated list of glob patterns of module path
	// prefixes, as in GOPRIVATE (golang.org/x/mod/module.MatchPrefixPatterns).
	// It must satisfy [CheckPatterns].
	Patterns string

	// Upstream is asked for the modules that match, and nobody else is.
	Upstream Upstream
}

// CheckPatterns reports what is wrong with a list of patterns. Matching passes
// over a pattern that is malformed, or that has a space before it, and so would
// send private paths where they do not belong.
func CheckPatterns(patterns string) error {
	for pattern := range strings.SplitSeq(patterns, ",") {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("module path pattern %q: %w", pattern, err)
		}
		if strings.ContainsAny(pattern, " \t\n") {
			return fmt.Errorf("module path pattern %q holds a space: separate patterns by commas alone", pattern)
		}
	}
	return nil
}

// Routes sends each request to the first route whose patterns match the module
// that the request names, and to rest if none does. A route is final: when its
// source is down or does not have the module, no other is asked, so a private
// path stays where it belongs. A checksum-database look-up is routed by the
// module it names; what names no module goes to rest.
//
// If a route's patterns do not satisfy [CheckPatterns], no source is asked for
// any module: nobody knows which paths were meant to stay private. Everything
// that names a module is then [Denied], with what is wrong.
func Routes(rest Upstream, routes ...Route) Upstream {
	r := &routed{rest: rest, routes: slices.Clone(routes)}
	for _, route := range routes {
		if err := CheckPatterns(route.Patterns); err != nil {
			r.broken = err
		}
	}
	return r
}

type routed struct {
	rest   Upstream
	routes []Route
	broken error
}

func (r *routed) Fetch(ctx context.Context, req Request) (*Response, error) {
	return r.route(req).Fetch(ctx, req)
}

// route returns who is asked for req.
func (r *routed) route(req Request) Upstream {
	path := req.Module()
	if path == "" {
		return r.rest
	}
	if r.broken != nil {
		return refusing{r.broken}
	}
	for _, route := range r.routes {
		if module.MatchPrefixPatterns(route.Patterns, path) {
			return route.Upstream
		}
	}
	return r.rest
}

// refusing denies everything.
type refusing struct{ why error }

func (r refusing) Fetch(_ context.Context, req Request) (*Response, error) {
	return nil, &Error{Class: Denied, Request: req, Err: r.why}
}

func (r *routed) Members() []Upstream {
	members := []Upstream{r.rest}
	for _, route := range r.routes {
		members = append(members, route.Upstream)
	}
	return members
}

func (r *routed) With(members []Upstream) Upstream {
	routes := slices.Clone(r.routes)
	for i := range routes {
		routes[i].Upstream = members[i+1]
	}
	return &routed{members[0], routes, r.broken}
}
