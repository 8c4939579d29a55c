package fetch

import (
	"errors"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

var (
	errClaimed  = errors.New("the name is claimed for internal modules (Options.Claimed), and no source in Private or GONOPROXY is named for it")
	errAlmost   = errors.New("the name is that of a private module (Options.Private) but for upper and lower case: ask for it as it is spelled there")
	errUnproven = errors.New("it is a private module, and nothing says what it must hash to: name a go.sum that lists it in Options.GoSum")
)

// ownership says why a module may not be asked for by that name, or nil. Names are
// claimed without regard to case, for many hosts ignore it, and by whatever name a
// version control system goes by.
func (c *core) ownership(req upstream.Request) error {
	if c.opts.Claimed == "" && len(c.opts.Private) == 0 {
		return nil
	}
	path := req.Module()
	switch {
	case module.MatchPrefixPatterns(c.routed, path):
		return nil
	case upstream.MatchRestricted(c.opts.Claimed, path):
		return errClaimed
	case upstream.MatchRestricted(privatePatterns(c.opts.Private), path):
		return errAlmost
	}
	return nil
}

// isOwn reports whether a module is one that has a source of its own, or is claimed.
func (c *core) isOwn(req upstream.Request) bool {
	return upstream.MatchRestricted(joinPatterns(c.routed, c.opts.Claimed), req.Module())
}

// isVouchedFor reports whether a Verifier decides about a module's files; about an
// .info file none does, but one that knows the version does so for that.
func (c *core) isVouchedFor(req upstream.Request) bool {
	if req.Kind() != upstream.Info {
		return c.mustVerify(req)
	}
	mod, err := upstream.NewRequest(upstream.Mod, req.Module(), req.Version())
	return err == nil && c.mustVerify(mod)
}

// routedPatterns returns the patterns of the modules that have a source of their
// own.
func (o *Options) routedPatterns(s GoSettings) string {
	return joinPatterns(s.GONOPROXY, privatePatterns(o.Private))
}

// unlistedPatterns returns the patterns of the modules that no checksum database
// is asked about.
func (o *Options) unlistedPatterns(s GoSettings) string {
	return joinPatterns(s.GONOSUMDB, o.Claimed, privatePatterns(o.Private))
}

func privatePatterns(routes []upstream.Route) string {
	var lists []string
	for _, r := range routes {
		lists = append(lists, r.Patterns)
	}
	return joinPatterns(lists...)
}

func joinPatterns(lists ...string) string {
	var all []string
	for _, l := range lists {
		if l != "" {
			all = append(all, l)
		}
	}
	return strings.Join(all, ",")
}
