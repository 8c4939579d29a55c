package auth

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A table holds the header fields to send, by URL prefix. A table that others
// can see is not changed any more. A prefix with no fields has been withdrawn.
type table map[string]http.Header

// prefixes yields the prefixes that match u, the longest first. A path with dot
// elements matches with its host alone: the server decides where it leads.
func prefixes(u *url.URL) iter.Seq[string] {
	host := strings.ToLower(u.Host)
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if !strings.HasPrefix(path, "/") || hasDots(u.Path) {
		path = ""
	}
	return func(yield func(string) bool) {
		for path != "" {
			if !yield(host + path) {
				return
			}
			path = path[:strings.LastIndexByte(path, '/')]
		}
		yield(host)
	}
}

func hasDots(path string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), func(elem string) bool {
		return elem == "." || elem == ".."
	})
}

// find returns what to send for u: that of the longest prefix, and for the same
// prefix that of the first table. A withdrawn prefix hides it in later tables.
func find(tables []table, u *url.URL) http.Header {
	for prefix := range prefixes(u) {
		for _, t := range tables {
			if fields, ok := t[prefix]; ok {
				if len(fields) > 0 {
					return fields
				}
				break
			}
		}
	}
	return nil
}

// knowHost reports whether there is something to send to URLs of u's host,
// whatever their paths.
func knowHost(tables []table, u *url.URL) bool {
	host := strings.ToLower(u.Host)
	for _, t := range tables {
		for prefix, fields := range t {
			if at, _, _ := strings.Cut(prefix, "/"); at == host && len(fields) > 0 {
				return true
			}
		}
	}
	return false
}

// normal returns a prefix as it is in a table, of what a netrc file or the
// output of a command says, the way that the go command does (auth/auth.go).
func normal(prefix string) string {
	prefix = strings.TrimSuffix(strings.TrimPrefix(prefix, "https://"), "/")
	host, path, found := strings.Cut(prefix, "/")
	if host = strings.ToLower(host); found {
		return host + "/" + path
	}
	return host
}

// merged returns old with what is in more, which wins. A table that keeps
// growing is begun anew: what is lost is asked for again.
func merged(old, more table) table {
	if len(old)+len(more) > maxPrefixes {
		return more
	}
	t := maps.Clone(old)
	if t == nil {
		t = make(table)
	}
	maps.Copy(t, more)
	return t
}

const maxPrefixes = 4096

var errPrefix = errors.New("must be host[:port][/path], or such a URL")

// parsePrefix reads a prefix that a program has named. Unlike a netrc file's, it
// must be one that can match.
func parsePrefix(s string) (string, error) {
	rest := s
	for _, scheme := range []string{"https://", "http://"} {
		rest = strings.TrimPrefix(rest, scheme)
	}
	u, err := url.Parse("https://" + rest)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return "", errPrefix // the error might quote a password
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || hasDots(u.Path) || strings.Contains(u.Path, "//") {
		return "", errPrefix
	}
	return strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// parsePrefixes reads at least one prefix.
func parsePrefixes(all []string) ([]string, error) {
	if len(all) == 0 {
		return nil, errors.New("no host was named that the credentials are for")
	}
	parsed := make([]string, len(all))
	for i, s := range all {
		var err error
		if parsed[i], err = parsePrefix(s); err != nil {
			return nil, fmt.Errorf("what credentials are for (%d of %d) %w", i+1, len(all), err)
		}
	}
	return parsed, nil
}
