package gocmd

import (
	"errors"
	"fmt"
	"slices"
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
// Of the systems in it only git matters. What the go command would refuse is
// refused, and "off" beside a system, which it takes for the name of one.
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
		if rules.has(pattern) {
			return nil, fmt.Errorf("VCS: %q: there is a rule for that pattern before it", item)
		}
		git, err := parseSystems(systems)
		if err != nil {
			return nil, fmt.Errorf("VCS: %q: %w", item, err)
		}
		rules = append(rules, vcsRule{pattern, git})
	}
	return rules, nil
}

var (
	errNoSystem = errors.New("a version control system has no name")
	errOffToo   = errors.New(`"off" stands alone`)
)

// parseSystems reports whether git is among the systems of a rule.
func parseSystems(list string) (git bool, err error) {
	systems := strings.Split(list, "|")
	for i, name := range systems {
		systems[i] = strings.TrimSpace(name)
	}
	switch {
	case slices.Contains(systems, ""):
		return false, errNoSystem
	case slices.Contains(systems, "off") && len(systems) > 1:
		return false, errOffToo
	}
	return slices.Contains(systems, "git") || slices.Contains(systems, "all"), nil
}

func (rules vcsRules) has(pattern string) bool {
	return slices.ContainsFunc(rules, func(r vcsRule) bool { return r.pattern == pattern })
}

// govcs returns the rules for the go command. They name no other system, also
// not by leaving modules to its own rules, which allow Mercurial: that would not
// be kept to our proxy.
func (rules vcsRules) govcs() string {
	if !rules.has("*") {
		rules = append(slices.Clip(rules), vcsRule{"*", true})
	}
	var items []string
	for _, r := range rules {
		system := "off"
		if r.git {
			system = "git"
		}
		items = append(items, r.pattern+":"+system)
	}
	return strings.Join(items, ",")
}

var errVCS = errors.New("not allowed to be fetched with git: see GOVCS and " + option("VCS"))

// allow reports whether the first rule that matches path allows git. What no
// rule matches is allowed: the go command's own rules, which follow, are
// "public:git|hg,private:all".
func (rules vcsRules) allow(path string, isPrivate bool) bool {
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

var errOnlyGit = errors.New("only git is supported")

// otherSystem returns which version control system other than git the path says
// that it is for, as far as the go command goes by that (cmd/go/internal/vcs,
// vcsPaths); empty: none.
func otherSystem(path string) string {
	host, rest, _ := strings.Cut(path, "/")
	switch host {
	case "launchpad.net":
		return "bzr"
	case "chiselapp.com":
		return "fossil"
	}
	for elem := range strings.SplitSeq(rest, "/") {
		switch system := elem[strings.LastIndexByte(elem, '.')+1:]; {
		case system == elem: // no suffix
		case system == "git":
			return ""
		case slices.Contains([]string{"bzr", "fossil", "hg", "svn"}, system):
			return system
		}
	}
	return ""
}
