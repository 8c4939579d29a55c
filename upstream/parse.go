package upstream

import (
	"errors"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

// maxPath bounds a request path, in bytes. Module paths have no bound of their
// own, but a path of this length could be stored by no file system.
const maxPath = 2048

var (
	errTooLong       = errors.New("path is too long")
	errNotProtocol   = errors.New("not a path of the module proxy protocol")
	errNotCanonical  = errors.New("version is not canonical for this module path: resolve a version query first (see https://go.dev/ref/mod#versions)")
	errDatabaseName  = errors.New("invalid checksum database name (must be host[/path])")
	errLookupNoParts = errors.New("a look-up must name module@version")
)

// ParsePath reads a decoded URL path, such as [net/http.Request]'s URL.Path,
// as a request of the module proxy protocol. It is the only place where such a
// path is read, and it accepts exactly the paths that [Request.URLPath]
// produces: paths with "..", empty elements, upper-case letters that were not
// escaped, or control characters are refused. The error is an [*Error] of class
// [NotFound], for there is nothing at such a path.
func ParsePath(urlPath string) (Request, error) {
	if len(urlPath) > maxPath {
		return Request{}, invalid(urlPath[:64]+"...", errTooLong)
	}
	rest, ok := strings.CutPrefix(urlPath, "/")
	if !ok {
		return Request{}, invalid(urlPath, errNotProtocol)
	}
	var req Request
	var err error
	if database, ok := strings.CutPrefix(rest, "sumdb/"); ok {
		req, err = parseSumDB(database)
	} else {
		req, err = parseFile(rest)
	}
	if err != nil {
		return Request{}, invalid(urlPath, err)
	}
	req.path = urlPath
	return req, nil
}

func parseFile(rest string) (Request, error) {
	if escaped, ok := strings.CutSuffix(rest, "/@latest"); ok {
		_, err := unescapePath(escaped)
		return Request{kind: Latest}, err
	}
	escaped, file, ok := strings.Cut(rest, "/@v/")
	if !ok {
		return Request{}, errNotProtocol
	}
	path, err := unescapePath(escaped)
	if err != nil {
		return Request{}, err
	}
	if file == "list" {
		return Request{kind: List}, nil
	}
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return Request{}, errNotProtocol
	}
	version, err := unescapeVersion(file[:dot])
	if err != nil {
		return Request{}, err
	}
	exact := isCanonical(path, version)
	switch file[dot:] {
	case ".info":
		return Request{kind: Info, exact: exact}, nil
	case ".mod":
		return canonicalOnly(Mod, exact)
	case ".zip":
		return canonicalOnly(Zip, exact)
	}
	return Request{}, errNotProtocol
}

func canonicalOnly(k Kind, exact bool) (Request, error) {
	if !exact {
		return Request{}, errNotCanonical
	}
	return Request{kind: k, exact: true}, nil
}

// parseSumDB reads what follows "/sumdb/".
func parseSumDB(rest string) (Request, error) {
	name, resource, ok := cutDatabase(rest)
	if !ok {
		return Request{}, errNotProtocol
	}
	if !validDatabase(name) {
		return Request{}, errDatabaseName
	}
	switch resource {
	case "supported":
		return Request{kind: SumDBSupported}, nil
	case "latest":
		return Request{kind: SumDBLatest}, nil
	}
	if lookup, ok := strings.CutPrefix(resource, "lookup/"); ok {
		return parseLookup(lookup)
	}
	_, err := tlog.ParseTilePath(resource)
	return Request{kind: SumDBTile}, err
}

func parseLookup(lookup string) (Request, error) {
	escapedPath, escapedVersion, ok := strings.Cut(lookup, "@")
	if !ok {
		return Request{}, errLookupNoParts
	}
	path, err := unescapePath(escapedPath)
	if err != nil {
		return Request{}, err
	}
	version, err := unescapeVersion(escapedVersion)
	if err != nil {
		return Request{}, err
	}
	return canonicalOnly(SumDBLookup, isCanonical(path, version))
}

// cutDatabase splits "name/resource". The name may hold slashes (host/path), so
// it ends before the first element that can only be a resource.
func cutDatabase(rest string) (name, resource string, ok bool) {
	for i := 0; i < len(rest); {
		j := strings.IndexByte(rest[i:], '/')
		if j < 0 {
			return "", "", false
		}
		i += j + 1
		after := rest[i:]
		if after == "supported" || after == "latest" ||
			strings.HasPrefix(after, "lookup/") || strings.HasPrefix(after, "tile/") {
			return rest[:i-1], after, true
		}
	}
	return "", "", false
}

// validDatabase accepts host[:port][/path] in the characters that both a URL
// and a file name can hold. The go command's rule (modfetch/sumdb.go, dbDial) is
// "a URL of nothing but host and path"; this is that rule without the elements
// that would be dangerous in a file system, or that would make a directory of
// what is a file for another database.
func validDatabase(name string) bool {
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "" || elem[0] == '.' || elem == "supported" || elem == "latest" {
			return false
		}
		for i := range len(elem) {
			c := elem[i]
			alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
			if !alnum && strings.IndexByte("-._~:", c) < 0 {
				return false
			}
		}
	}
	return name != ""
}

// unescapePath is module.UnescapePath without its allocation for the common
// path that holds no upper-case letter and so no escape.
func unescapePath(escaped string) (string, error) {
	if hasCase(escaped) {
		return module.UnescapePath(escaped)
	}
	return escaped, module.CheckPath(escaped)
}

// unescapeVersion is the same for module.UnescapeVersion: what has nothing to
// escape is its own escaped form, if it is a version at all.
func unescapeVersion(escaped string) (string, error) {
	if hasCase(escaped) {
		return module.UnescapeVersion(escaped)
	}
	return module.EscapeVersion(escaped)
}

// hasCase reports whether s has an escape, or a letter that must be escaped.
func hasCase(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '!' || 'A' <= c && c <= 'Z' {
			return true
		}
	}
	return false
}

// isCanonical reports whether version is the canonical version of a module with
// that path: the form a go.mod file requires, with a matching major version. The path
// is one that was checked already, which module.Check would do again.
func isCanonical(path, version string) bool {
	_, major, _ := module.SplitPathVersion(path)
	return module.CanonicalVersion(version) == version && module.CheckPathMajor(version, major) == nil
}

func invalid(path string, err error) *Error {
	return &Error{Class: NotFound, Subject: path, Err: err}
}
