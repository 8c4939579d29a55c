package fetch

import (
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// ownerOf returns the configured source that has a circuit of that name. A source that
// is many servers has one for each, named "source (part)".
func (c *Client) ownerOf(circuit string) (source string, isPart bool) {
	for _, u := range c.core.Load().allSources() {
		name := upstream.Name(u)
		if name == circuit {
			return name, false
		}
		part, ok := strings.CutPrefix(circuit, name)
		if ok && len(name) > len(source) && strings.HasPrefix(part, " (") && strings.HasSuffix(part, ")") {
			source = name
		}
	}
	if source == "" {
		return circuit, false
	}
	return source, true
}

// partOf returns the name of the part of a source that a request is for; empty if the
// source is one server, or is not configured any more.
func (c *Client) partOf(source string, req upstream.Request) string {
	for _, u := range c.core.Load().allSources() {
		if upstream.Name(u) != source {
			continue
		}
		parted, ok := upstream.As[upstream.Parted](u)
		if !ok {
			return ""
		}
		if part := parted.Part(req); part != "" {
			return source + " (" + part + ")"
		}
	}
	return ""
}

// isParted reports whether a source is many servers.
func isParted(u upstream.Upstream) bool {
	_, ok := upstream.As[upstream.Parted](u)
	return ok
}

// isNothing reports whether a source has nothing, and is no server at all: "off",
// and "direct" where nothing fetches from version control.
func isNothing(u upstream.Upstream) bool {
	for u != nil {
		if u == upstream.Off() || u == upstream.Direct() {
			return true
		}
		w, ok := u.(interface{ Unwrap() upstream.Upstream })
		if !ok {
			return false
		}
		u = w.Unwrap()
	}
	return false
}
