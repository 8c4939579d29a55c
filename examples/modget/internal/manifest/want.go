package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// latest is the query for a path without one.
const latest = "latest"

// want adds the version of a module that query stands for.
func (m *Manifest) want(path, query string) error {
	if why := builtin(path); why != "" {
		m.skip(path+"@"+query, why)
		return nil
	}
	if _, rest, ok := strings.Cut(path, "://"); ok {
		if query != latest && query != "" || strings.Contains(rest, ":") {
			// What is before an @ may be a password.
			return errors.New("a URL is no module: write the module's path, such as example.com/mod")
		}
		return fmt.Errorf("%q is a URL: write the module's path, such as %s", shortened(path), shortened(rest))
	}
	if strings.Contains(path, "...") {
		return fmt.Errorf("%q is a pattern: name the modules one by one, or a go.mod file", shortened(path))
	}
	if err := checkPath(path, query); err != nil {
		return fmt.Errorf("%w: write a module path such as example.com/mod", err)
	}
	if module.CanonicalVersion(query) == query && query != "" {
		return m.wantVersion(module.Version{Path: path, Version: query})
	}
	if err := checkQuery(path, query); err != nil {
		return err
	}
	m.Queries = append(m.Queries, Query{path, query})
	return nil
}

// maxName bounds a path and version, in bytes, so that an error can repeat them.
const maxName = 1000

func checkPath(path, query string) error {
	if len(path)+len(query) > maxName {
		return fmt.Errorf("%q is longer than any module's name", shortened(path))
	}
	return module.CheckPath(path)
}

// wantVersion adds a module of which the exact version is known.
func (m *Manifest) wantVersion(v module.Version) error {
	if err := checkPath(v.Path, v.Version); err != nil {
		return fmt.Errorf("%w: correct the path", err)
	}
	if err := module.Check(v.Path, v.Version); err != nil {
		return fmt.Errorf("%w: %s", err, majorHint(v))
	}
	if module.CanonicalVersion(v.Version) != v.Version {
		return fmt.Errorf("%v: the version is not of the form v1.2.3: correct it", v)
	}
	m.Modules = append(m.Modules, v)
	return nil
}

// majorHint says how to write a version whose path does not go with it.
func majorHint(v module.Version) string {
	prefix, _, ok := module.SplitPathVersion(v.Path)
	major := semver.Major(v.Version)
	switch {
	case !ok || strings.HasPrefix(v.Path, "gopkg.in/") || !semver.IsValid(v.Version):
		return "write a module path and a version of it, such as example.com/mod@v1.2.3"
	case major == "v0" || major == "v1":
		return fmt.Sprintf("write %s@%s", prefix, v.Version)
	}
	return fmt.Sprintf("write %s/%s@%s, or %s@%s+incompatible if that version has no go.mod file",
		prefix, major, v.Version, prefix, strings.TrimSuffix(v.Version, "+incompatible"))
}

func (m *Manifest) skip(what, why string) { m.Skipped = append(m.Skipped, Skipped{what, why}) }

// builtin says why what the go command lists beside modules is none.
func builtin(path string) string {
	switch path {
	case "std", "cmd":
		return "the standard library comes with the Go toolchain"
	case "go", "toolchain":
		return "it stands for the Go toolchain: name golang.org/toolchain@VERSION to have one downloaded"
	}
	return ""
}

// checkQuery finds what no source can answer. The rules are those of fetch.Resolve.
func checkQuery(path, query string) error {
	switch query {
	case "":
		return fmt.Errorf("%s@ names no version: write %[1]s@latest, or the version", path)
	case "patch", "none":
		return fmt.Errorf("%s@%s means something only to the go command: write %[1]s@latest, or the version", path, query)
	}
	if bound := strings.TrimPrefix(strings.TrimLeft(query, "<>"), "="); bound != query {
		return checkBound(path, query, bound)
	}
	if _, err := upstream.NewRequest(upstream.Info, path, query); err != nil {
		return fmt.Errorf("%s@%s: no version, branch or commit that a source can be asked for: "+
			"write the commit in place of a branch with such characters", path, query)
	}
	return nil
}

func checkBound(path, query, bound string) error {
	op := strings.TrimSuffix(query, bound)
	if !semver.IsValid(bound) || len(strings.TrimSuffix(op, "=")) != 1 {
		return fmt.Errorf("%s@%s: a bound is <, <=, > or >= and a version, such as <v1.5.0", path, query)
	}
	return nil
}
