package gocmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// vcsRules say which modules may be fetched with git. They are kept here as
// well as given to the go command, because a refusal of its own reads like the
// absence of the module.
type vcsRules []vcsRule

type vcsRule struct {
	pattern string
	git     bool
}

// parseVCS reads a list in the form of GOVCS (cmd/go/internal/vcs, parseGOVCS).
func parseVCS(list string) (vcsRules, error) {
	var rules vcsRules
	for item := range strings.SplitSeq(list, ",") {
		pattern, systems, ok := strings.Cut(item, ":")
		pattern = strings.TrimSpace(pattern)
		if !ok || pattern == "" {
			return nil, fmt.Errorf("VCS: %q is not pattern:list", item)
		}
		if err := upstream.CheckPatterns(pattern); err != nil {
			return nil, fmt.Errorf("VCS: %w", err)
		}
		switch strings.TrimSpace(systems) {
		case "git":
			rules = append(rules, vcsRule{pattern, true})
		case "off":
			rules = append(rules, vcsRule{pattern, false})
		default:
			return nil, fmt.Errorf("VCS: %q: only \"git\" and \"off\" are supported", item)
		}
	}
	return rules, nil
}

var errVCS = errors.New("not allowed to be fetched with git: see Options.VCS (GOVCS)")

// allow reports whether the first rule that matches path allows git. What no
// rule matches is allowed: the go command's own rules, which follow, allow git
// everywhere.
func (rules vcsRules) allow(path, private string) bool {
	isPrivate := module.MatchPrefixPatterns(private, path)
	for _, r := range rules {
		var match bool
		switch r.pattern {
		case "private":
			match = isPrivate
		case "public":
			match = !isPrivate
		default:
			match = module.MatchPrefixPatterns(r.pattern, path)
		}
		if match {
			return r.git
		}
	}
	return true
}
