package upstream

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/module"
)

// A Request is one question of the module proxy protocol: a [Kind] and the
// module, version or database that it is about. It is small and comparable, so
// it serves as a map key. Its parts were validated when it was made by
// [ParsePath], [NewRequest] or [NewSumDBRequest]; the zero Request asks for
// nothing and every Upstream refuses it.
type Request struct {
	kind  Kind
	exact bool   // the version is canonical and fits the module path
	path  string // "/" and the escaped protocol path
}

var errZeroRequest = errors.New("the zero Request asks for nothing")

// NewRequest returns the request for a file of a module. The path and version
// are as a go.mod file spells them, unescaped. List and Latest take no version;
// Mod and Zip take a canonical version, Info that or a version query. The error
// is an [*Error] of class [NotFound].
func NewRequest(k Kind, path, version string) (Request, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return Request{}, invalid(path, err)
	}
	p := "/" + escaped
	switch k {
	case List, Latest:
		if version != "" {
			return Request{}, invalid(path, fmt.Errorf("a %v request takes no version, got %q", k, version))
		}
		if p += "/@latest"; k == List {
			p = "/" + escaped + "/@v/list"
		}
	case Info, Mod, Zip:
		v, err := module.EscapeVersion(version)
		if err != nil {
			return Request{}, invalid(path, err)
		}
		p += "/@v/" + v + "." + k.String()
	default:
		return Request{}, invalid(path, fmt.Errorf("%v is not a file of a module", k))
	}
	return parsedAs(k, p)
}

// NewSumDBRequest returns the request for a resource of the checksum database
// with the given name: "supported", "latest", "lookup/$module@$version" or
// "tile/..." with module and version escaped, as golang.org/x/mod/sumdb spells
// them (a leading slash is allowed). The error is an [*Error] of class [NotFound].
func NewSumDBRequest(database, resource string) (Request, error) {
	req, err := ParsePath("/sumdb/" + database + "/" + strings.TrimPrefix(resource, "/"))
	if err == nil && req.Database() != database {
		err = invalid(database, errDatabaseName)
	}
	if err != nil {
		return Request{}, err
	}
	return req, nil
}

// parsedAs has the constructor prove itself: what it built must parse as what
// it meant to build.
func parsedAs(k Kind, p string) (Request, error) {
	req, err := ParsePath(p)
	if err != nil {
		return Request{}, err
	}
	if req.kind != k {
		return Request{}, invalid(p, fmt.Errorf("reads as a %v request, not %v", req.kind, k))
	}
	return req, nil
}

// Kind returns what is asked for.
func (r Request) Kind() Kind { return r.kind }

// Key returns the escaped protocol path without a leading slash, for instance
// "github.com/!burnt!sushi/toml/@v/v1.5.0.mod". It identifies the request
// everywhere: in URLs, caches and logs. It does not allocate.
func (r Request) Key() string {
	if r.path == "" {
		return ""
	}
	return r.path[1:]
}

// URLPath returns the key with a leading slash, the form that [ParsePath]
// accepts. It is a decoded URL path, as in [net/url.URL.Path].
func (r Request) URLPath() string { return r.path }

// String returns the key.
func (r Request) String() string { return r.Key() }

// Module returns the module path, unescaped. It is empty for the kinds of a
// checksum database that name no module.
func (r Request) Module() string {
	escaped, _ := r.moduleVersion()
	if strings.IndexByte(escaped, '!') < 0 {
		return escaped
	}
	path, _ := module.UnescapePath(escaped)
	return path
}

// Version returns the canonical version or the version query, unescaped, or
// the empty string where the kind has none.
func (r Request) Version() string {
	_, escaped := r.moduleVersion()
	if strings.IndexByte(escaped, '!') < 0 {
		return escaped
	}
	version, _ := module.UnescapeVersion(escaped)
	return version
}

// Database returns the checksum database's name, or the empty string for the
// files of a module.
func (r Request) Database() string {
	if !r.kind.SumDB() {
		return ""
	}
	name, _, _ := cutDatabase(r.path[len("/sumdb/"):])
	return name
}

// Immutable reports whether the answer, once there is one, never changes: the
// files of a canonical version, and a checksum database's look-ups and tiles.
func (r Request) Immutable() bool {
	switch r.kind {
	case Info:
		return r.exact
	case Mod, Zip, SumDBLookup, SumDBTile:
		return true
	}
	return false
}

// moduleVersion cuts the escaped module path and version out of the key.
func (r Request) moduleVersion() (path, version string) {
	switch r.kind {
	case List, Latest:
		return r.path[1 : strings.LastIndexByte(r.path, '@')-1], ""
	case Info, Mod, Zip:
		path, file, _ := strings.Cut(r.path[1:], "/@v/")
		return path, file[:strings.LastIndexByte(file, '.')]
	case SumDBLookup:
		_, resource, _ := cutDatabase(r.path[len("/sumdb/"):])
		path, version, _ := strings.Cut(strings.TrimPrefix(resource, "lookup/"), "@")
		return path, version
	}
	return "", ""
}

// Resource returns what a checksum database is asked for: "supported",
// "latest", "lookup/..." or "tile/...", escaped. It is empty for the files of a
// module.
func (r Request) Resource() string {
	if !r.kind.SumDB() {
		return ""
	}
	_, resource, _ := cutDatabase(r.path[len("/sumdb/"):])
	return resource
}
