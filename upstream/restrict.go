package upstream

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// vcsSuffixes are those that the go command takes for the end of a repository's
// name, wherever they stand in a path behind the host (cmd/go/internal/vcs,
// vcsPaths).
var vcsSuffixes = []string{".bzr", ".fossil", ".git", ".hg", ".svn"}

// MatchRestricted reports whether patterns match a module path, where a match
// restricts who may have a module or where it comes from. It is
// [golang.org/x/mod/module.MatchPrefixPatterns], and matches besides what may
// lead to the same repository by another name:
//
//   - in other case: many hosts, GitHub among them, ignore it;
//   - with other endings of version control systems (.bzr, .fossil, .git, .hg,
//     .svn) or none, on any element but the host.
//
// So corp.example/Secret matches corp.example/secret.git/v2, too. It may match
// another repository where the server tells such names apart: do not use it where
// a match lets something through. Empty patterns match nothing;
// [CheckRestricted] refuses them. It may be called by many goroutines at once.
func MatchRestricted(patterns, path string) bool {
	if module.MatchPrefixPatterns(patterns, path) {
		return true
	}
	patterns, path = strings.ToLower(patterns), strings.ToLower(path)
	name := repositoryName(path)
	for pattern := range strings.SplitSeq(patterns, ",") {
		if module.MatchPrefixPatterns(pattern, path) || module.MatchPrefixPatterns(repositoryName(pattern), name) {
			return true
		}
	}
	return false
}

// CheckRestricted is [CheckPatterns] for a list that is to restrict something:
// one without a pattern would restrict nothing, and is refused.
func CheckRestricted(patterns string) error {
	if patterns == "" {
		return errNoPatterns
	}
	return CheckPatterns(patterns)
}

var errNoPatterns = errors.New("the list of module path patterns is empty: * matches every module")

// repositoryName cuts the endings of version control systems from the elements
// of a path, or of a pattern, in lower case.
func repositoryName(path string) string {
	elems := strings.Split(path, "/")
	for i, elem := range elems[1:] {
		elems[i+1] = withoutVCS(elem)
	}
	return strings.Join(elems, "/")
}

// withoutVCS cuts all endings, for of x.git.git the go command asks the server
// for x.git, which many a server takes for x.
func withoutVCS(elem string) string {
	for {
		i := max(0, strings.LastIndexByte(elem, '.'))
		if i == 0 || !slices.Contains(vcsSuffixes, elem[i:]) {
			return elem
		}
		elem = elem[:i]
	}
}
