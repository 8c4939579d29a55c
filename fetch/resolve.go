package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Resolve returns the version of a module path that a version query stands for,
// by the go command's rules (https://go.dev/ref/mod#version-queries):
//
//   - a canonical version stands for itself;
//   - "latest", "upgrade" and the empty query for the highest release, else the
//     highest pre-release, else what the source calls its latest version;
//   - "v1" and "v1.2" for the highest version with that prefix;
//   - "<v1.5.0", "<=v1.5.0" for the highest version below, ">v1.5.0" and
//     ">=v1.5.0" for the lowest above;
//   - anything else, such as a branch or a commit, for what the source says.
//
// Versions that the module's author has retracted are passed over, except where
// the query names one. "patch" and "none" are for go.mod files. That no version fits is an [*upstream.Error] of class
// NotFound.
func Resolve(ctx context.Context, f Fetcher, path, query string) (upstream.Metadata, error) {
	switch query {
	case "", "latest", "upgrade":
		return resolveLatest(ctx, f, path)
	case "patch", "none":
		return upstream.Metadata{}, noMatch(path, query, "the query means something only beside a go.mod file")
	}
	if module.CanonicalVersion(query) == query && query != "" {
		return upstream.ReadInfo(ctx, f, path, query)
	}
	q, ok := parseQuery(query)
	if !ok {
		return upstream.ReadInfo(ctx, f, path, query)
	}
	version, err := q.among(ctx, f, path)
	if err != nil {
		return upstream.Metadata{}, err
	}
	if version == "" && q.prefix {
		return upstream.ReadInfo(ctx, f, path, query) // a tag or branch may have that name
	}
	if version == "" {
		return upstream.Metadata{}, noMatch(path, query, "no version matches the query")
	}
	return upstream.ReadInfo(ctx, f, path, version)
}

func noMatch(path, query, why string) error {
	return &upstream.Error{Class: upstream.NotFound, Subject: path + "@" + query, Err: errors.New(why)}
}

func resolveLatest(ctx context.Context, f Fetcher, path string) (upstream.Metadata, error) {
	any := versionQuery{fits: func(string) bool { return true }}
	version, err := any.among(ctx, f, path)
	if err != nil {
		return upstream.Metadata{}, err
	}
	if version != "" {
		return upstream.ReadInfo(ctx, f, path, version)
	}
	latest, err := upstream.ReadLatest(ctx, f, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return latest, err
	}
	version, listErr := newestUntagged(ctx, f, path)
	if listErr != nil || version == "" {
		return upstream.Metadata{}, err
	}
	return upstream.ReadInfo(ctx, f, path, version)
}

// newestUntagged returns the youngest pseudo-version of a list. It is what the
// go command falls back on where a source has no @latest (modfetch/proxy.go,
// latestFromList).
func newestUntagged(ctx context.Context, f Fetcher, path string) (string, error) {
	list, err := upstream.ReadList(ctx, f, path)
	if err != nil {
		return "", err
	}
	var newest string
	var newestTime time.Time
	for _, l := range list {
		at := l.Time
		if at.IsZero() {
			at, _ = module.PseudoVersionTime(l.Version) // zero for a tagged version
		}
		if at.After(newestTime) {
			newest, newestTime = l.Version, at
		}
	}
	return newest, nil
}

// versionQuery is a query that is answered from the list of versions.
type versionQuery struct {
	fits   func(version string) bool
	lowest bool // of those that fit, and not the highest
	prefix bool
}

func parseQuery(query string) (versionQuery, bool) {
	for _, op := range []struct {
		text string
		q    func(bound string) versionQuery
	}{
		{"<=", func(b string) versionQuery {
			return versionQuery{fits: func(v string) bool { return semver.Compare(v, b) <= 0 }}
		}},
		{">=", func(b string) versionQuery {
			return versionQuery{fits: func(v string) bool { return semver.Compare(v, b) >= 0 }, lowest: true}
		}},
		{"<", func(b string) versionQuery {
			return versionQuery{fits: func(v string) bool { return semver.Compare(v, b) < 0 }}
		}},
		{">", func(b string) versionQuery {
			return versionQuery{fits: func(v string) bool { return semver.Compare(v, b) > 0 }, lowest: true}
		}},
	} {
		if bound, ok := strings.CutPrefix(query, op.text); ok {
			return op.q(bound), semver.IsValid(bound)
		}
	}
	if !semver.IsValid(query) || strings.Count(query, ".") == 2 {
		return versionQuery{}, false
	}
	return versionQuery{fits: func(v string) bool { return strings.HasPrefix(v, query+".") }, prefix: true}, true
}

// among returns the version of the list that q stands for, or "".
func (q versionQuery) among(ctx context.Context, f Fetcher, path string) (string, error) {
	list, err := upstream.ReadList(ctx, f, path)
	if err != nil {
		return "", err
	}
	var versions []string
	for _, l := range list {
		if module.CanonicalVersion(l.Version) == l.Version && !module.IsPseudoVersion(l.Version) {
			versions = append(versions, l.Version)
		}
	}
	semver.Sort(versions)
	if len(versions) == 0 {
		return "", nil
	}
	retracted, err := retractions(ctx, f, path, highest(versions))
	if err != nil {
		return "", err
	}
	versions = slices.DeleteFunc(versions, func(v string) bool { return !q.fits(v) || retracted(v) })
	if q.lowest {
		slices.Reverse(versions)
	}
	return highest(versions), nil
}

// highest returns the last release of sorted versions, else the last of them.
func highest(sorted []string) string {
	for _, v := range slices.Backward(sorted) {
		if semver.Prerelease(v) == "" {
			return v
		}
	}
	if len(sorted) == 0 {
		return ""
	}
	return sorted[len(sorted)-1]
}

// retractions reads which versions the author has taken back, from the go.mod
// file of the highest version, where the go command looks too.
func retractions(ctx context.Context, f Fetcher, path, highest string) (func(version string) bool, error) {
	data, err := upstream.ReadMod(ctx, f, module.Version{Path: path, Version: highest})
	if errors.Is(err, fs.ErrNotExist) {
		return func(string) bool { return false }, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s@%s: %w", path, highest, err)
	}
	return func(v string) bool {
		return slices.ContainsFunc(file.Retract, func(r *modfile.Retract) bool {
			return semver.Compare(r.Low, v) <= 0 && semver.Compare(v, r.High) <= 0
		})
	}, nil
}
