package fetch

import (
	"errors"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

var errClaimed = errors.New("the name is claimed for internal modules (Options.Claimed), and no source in Private or GONOPROXY is named for it")

// isStray reports whether a request's module path is claimed for internal modules,
// and has no source of its own: whoever has such a module publicly is somebody
// else.
func (c *core) isStray(req upstream.Request) bool {
	if c.opts.Claimed == "" {
		return false
	}
	path := req.Module()
	return module.MatchPrefixPatterns(c.opts.Claimed, path) && !module.MatchPrefixPatterns(c.routed, path)
}

// routedPatterns returns the patterns of the modules that have a source of their
// own.
func (o *Options) routedPatterns(s GoSettings) string {
	lists := []string{s.GONOPROXY}
	for _, r := range o.Private {
		lists = append(lists, r.Patterns)
	}
	return joinPatterns(lists...)
}

// unlistedPatterns returns the patterns of the modules that no checksum database
// is asked about.
func (o *Options) unlistedPatterns(s GoSettings) string {
	lists := []string{s.GONOSUMDB, o.Claimed}
	for _, r := range o.Private {
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
