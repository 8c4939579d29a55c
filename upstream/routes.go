package upstream

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/module"
)

// A Route sends some module paths to an Upstream of their own.
type Route struct {
	// Patterns is a comma-separated list of glob patterns of module path
	// prefixes, as in GOPRIVATE (golang.org/x/mod/module.MatchPrefixPatterns).
	// It must satisfy [CheckRestricted].
	Patterns string

	// Upstream is asked for the modules that match, and nobody else is.
	Upstream Upstream
}

// CheckPatterns reports what is wrong with a comma-separated list of patterns:
// a pattern that is malformed or that no module path can match
// (golang.org/x/mod/module.CheckPath), such as a URL, one with "..." or with a
// space before it. Matching passes over those, and would send private paths where
// they do not belong. Empty path elements are refused, too, that behind a trailing
// slash included, which matching ignores.
//
// An empty list is in order, and so is nothing between two commas, for the go
// command takes them. A list of commas alone is not. The error quotes the pattern that
// is wrong; nil means that all is well.
func CheckPatterns(patterns string) error {
	if patterns != "" && strings.Trim(patterns, ",") == "" {
		return errNoPatterns
	}
	for pattern := range strings.SplitSeq(patterns, ",") {
		if pattern == "" {
			continue
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("module path pattern %q: %w", withoutPassword(pattern), err)
		}
		if err := checkPattern(pattern); err != nil {
			return fmt.Errorf("module path pattern %q %w", withoutPassword(pattern), err)
		}
	}
	return nil
}

var (
	errSpace     = errors.New("holds a space: separate patterns by commas alone")
	errURL       = errors.New("holds a colon or an @: a pattern is a path without scheme, port, user or version")
	errBang      = errors.New("holds a !: write an upper case letter as it is")
	errElement   = errors.New("has an empty element: it must neither begin nor end with a slash, nor hold two in a row")
	errDots      = errors.New(`has an element that begins or ends with a dot: a pattern covers what is below it without "...", and *.corp.example the hosts in a domain`)
	errUpperHost = errors.New("has upper case letters in its host: module paths have them in lower case there")
)

// checkPattern says why no module path can match a pattern, which is not empty.
func checkPattern(pattern string) error {
	switch {
	case strings.ContainsFunc(pattern, unicode.IsSpace):
		return errSpace
	case strings.ContainsAny(pattern, ":@"):
		return errURL
	case strings.Contains(pattern, "!"):
		return errBang
	}
	if i := strings.IndexFunc(pattern, isForeign); i >= 0 {
		r, _ := utf8.DecodeRuneInString(pattern[i:])
		return fmt.Errorf("holds %q, which no module path has", r)
	}
	// One slash at the end changes nothing (module.MatchPrefixPatterns).
	for elem := range strings.SplitSeq(strings.TrimSuffix(pattern, "/"), "/") {
		if elem == "" {
			return errElement
		}
		if elem[0] == '.' || elem[len(elem)-1] == '.' {
			return errDots
		}
	}
	host, _, _ := strings.Cut(pattern, "/")
	if host != strings.ToLower(host) {
		return errUpperHost
	}
	return nil
}

// withoutPassword cuts the user and the password from what somebody took for a
// pattern, for the error may be shown to callers.
func withoutPassword(pattern string) string {
	at := strings.LastIndexByte(pattern, '@')
	if at < 0 || !strings.Contains(pattern[:at], ":") {
		return pattern
	}
	return "..." + pattern[at:]
}

// isForeign reports whether a character is neither one that a module path may
// hold nor one that has a meaning in a pattern (path.Match).
func isForeign(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune(`-._~/*?[]^\`, r)
}

// Routes sends each request to the first route whose patterns match the module
// that the request names, and to rest if none does. A route is final: when its
// source is down or does not have the module, no other is asked, so a private
// path stays where it belongs. A checksum-database look-up is routed by the
// module it names; what names no module goes to rest.
//
// If a route's patterns do not satisfy [CheckRestricted], because there are none
// or one can never match, no source is asked for any module: nobody knows which
// paths were meant to stay private. Everything that names a module is then
// [Denied], with what is wrong.
func Routes(rest Upstream, routes ...Route) Upstream {
	r := &routed{rest: rest, routes: slices.Clone(routes)}
	for _, route := range routes {
		if err := CheckRestricted(route.Patterns); err != nil {
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
