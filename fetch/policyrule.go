package fetch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A Rule of a [Policy] allows or denies modules.
type Rule struct {
	// Patterns is a comma-separated list of glob patterns of module path
	// prefixes, as in GOPRIVATE; it must not be empty. "*" matches every module.
	// What denies matches other names of a repository, too, as
	// [upstream.MatchRestricted] has it: paths in any case, since hosts such as
	// GitHub answer to that, and with ".git" or the like behind an element. What
	// allows is matched to the letter.
	Patterns string

	// Versions narrows the rule to some versions: a comma-separated list of
	// ranges, each a version or bounds separated by spaces, all of which must
	// hold, for instance "v1.4.0, >=v1.5.0 <v1.5.3". They are compared by
	// semantic version precedence, so v2.0.0 is v2.0.0+incompatible as well. A
	// version that is denied is left out of lists, and no query resolves to it.
	// Default: all versions, and the lists and queries of the module too.
	Versions string

	Allow  bool   // allows what matches; false denies it
	Reason string // shown to the user, one line; default: which patterns deny it
}

// rules are a policy's, in order.
type rules []rule

type rule struct {
	patterns string
	versions []versionRange
	allow    bool
	reason   string
}

func compileRules(from []Rule) (rules, error) {
	var all rules
	for i, r := range from {
		compiled, err := compileRule(r)
		if err != nil {
			return nil, fmt.Errorf("policy: rule %d: %w", i+1, err)
		}
		all = append(all, compiled)
	}
	return all, nil
}

func compileRule(r Rule) (rule, error) {
	if strings.Trim(r.Patterns, ",") == "" {
		return rule{}, errors.New("it has no patterns: * matches every module")
	}
	if err := upstream.CheckPatterns(r.Patterns); err != nil {
		return rule{}, err
	}
	versions, err := parseRanges(r.Versions)
	if err != nil {
		return rule{}, err
	}
	compiled := rule{patterns: r.Patterns, versions: versions, allow: r.Allow, reason: tidy(r.Reason)}
	if !r.Allow && compiled.reason == "" {
		compiled.reason = tidy(strings.TrimSpace("a rule denies " + r.Patterns + " " + r.Versions))
	}
	return compiled, nil
}

// about returns the rules that match a module path.
func (all rules) about(path string) rules {
	var matching rules
	for _, r := range all {
		if r.matches(path) {
			matching = append(matching, r)
		}
	}
	return matching
}

func (r *rule) matches(path string) bool {
	if r.allow {
		return module.MatchPrefixPatterns(r.patterns, path)
	}
	return upstream.MatchRestricted(r.patterns, path)
}

func (r *rule) ruling() ruling {
	return ruling{rule: "rule", denied: !r.allow, reason: r.reason, class: upstream.Denied}
}

// forVersion returns what the rules about a module say of a version of it.
func (all rules) forVersion(version string) ruling {
	for i := range all {
		if r := &all[i]; r.versions == nil || inRanges(r.versions, version) {
			return r.ruling()
		}
	}
	return ruling{}
}

// forAll returns what the rules about a module say of its lists and queries.
// They are denied only where no version can be allowed.
func (all rules) forAll() ruling {
	someAllowed := false
	for i := range all {
		r := &all[i]
		switch {
		case r.versions != nil:
			someAllowed = someAllowed || r.allow
		case !r.allow && someAllowed:
			return ruling{}
		default:
			return r.ruling()
		}
	}
	return ruling{}
}

// tellVersionsApart reports whether the rules may say one thing of one version
// and another of another.
func (all rules) tellVersionsApart() bool {
	return slices.ContainsFunc(all, func(r rule) bool { return r.versions != nil })
}

// A versionRange is bounds that all hold.
type versionRange []versionBound

type versionBound struct {
	op, version string
}

func (b versionBound) holds(version string) bool {
	order := semver.Compare(version, b.version)
	switch b.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order == 0
}

// parseRanges returns nil for all versions.
func parseRanges(text string) ([]versionRange, error) {
	if text == "" {
		return nil, nil
	}
	var ranges []versionRange
	for part := range strings.SplitSeq(text, ",") {
		var all versionRange
		for bound := range strings.FieldsSeq(part) {
			version := strings.TrimLeft(bound, "<>=")
			op := strings.TrimSuffix(bound, version)
			if !semver.IsValid(version) || !strings.Contains(" < <= > >= = ", " "+op+" ") && op != "" {
				return nil, fmt.Errorf("%q is not a bound of versions: it must be such as v1.2.3, <v1.2.3 or >=v1.2.3", bound)
			}
			all = append(all, versionBound{op, version})
		}
		if all == nil {
			return nil, fmt.Errorf("%q holds an empty range of versions", text)
		}
		ranges = append(ranges, all)
	}
	return ranges, nil
}

func inRanges(ranges []versionRange, version string) bool {
	for _, all := range ranges {
		if all.contains(version) {
			return true
		}
	}
	return false
}

func (all versionRange) contains(version string) bool {
	for _, bound := range all {
		if !bound.holds(version) {
			return false
		}
	}
	return true
}
