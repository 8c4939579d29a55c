// Package manifest says which modules are wanted: those that arguments name, and
// those that the files of a project list.
//
//	arguments  path, path@version, path@query      Args
//	files      go.mod, go.sum, go.work,            Read
//	           vendor/modules.txt, a list
//	a stream   lines of path@version               ReadList
//	all        what "go list -m all" says          All
//
// Nothing here asks a network, but for the go command that All starts. What comes
// out is for whoever downloads: versions that are exact, queries to be resolved
// first, and go.mod files without which a build cannot load the module graph.
package manifest

import (
	"cmp"
	"slices"

	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// A Manifest is what to download. Its lists are sorted and hold nothing twice.
// The zero Manifest wants nothing.
type Manifest struct {
	// Modules are wanted whole: the .info, the go.mod file and the zip of each.
	// Their versions are canonical, and their paths are what to ask for: where a
	// module is replaced by another, that one.
	Modules []module.Version

	// Queries are to be resolved (fetch.Resolve) before there is a version to
	// download.
	Queries []Query

	// Mods are versions of which only the go.mod file is wanted: the go command
	// reads those of all versions that requirements mention when it selects one
	// of each module. None is in Modules too. Their .info files are good to have: a
	// build has no use for them, but "go list -m all" asks for some.
	Mods []module.Version

	// Roots are where the module graph of a project begins: what its go.mod files
	// require, and what that is replaced by. All of them are in Modules or Mods too,
	// or were not to be downloaded. None where no project is known, and for All.
	Roots []module.Version

	// Own are the paths of modules that are the project's own, or replaced by it:
	// of a version that only another's go.mod file mentions nobody is to be asked,
	// for the go command does not either, and the names may be private.
	Own []string

	// Sums are the go.sum files that decide about what they list; nil if there
	// was none. What they do not list is for a checksum database.
	Sums *verify.GoSum

	// Skipped tells what was left out, in the order in which it was met.
	Skipped []Skipped
}

// A Query is a module path and a version query (https://go.dev/ref/mod#version-queries):
// "latest", "v1", "<v1.5.0", a branch, a commit. It is not a canonical version.
type Query struct{ Path, Query string }

// String returns path@query.
func (q Query) String() string { return q.Path + "@" + q.Query }

// Skipped is something that a file or an argument names and that is not to be
// downloaded, or not from here.
type Skipped struct {
	What string // as the file has it
	Why  string // in a few words, with what to do where that is not nothing
}

// Add returns a Manifest that wants what either wants. Where both have go.sum
// files, all of them decide: of the hashes that they list for one file, one must
// match. Neither is changed.
func (m Manifest) Add(other Manifest) Manifest {
	return Manifest{
		Modules: slices.Concat(m.Modules, other.Modules),
		Queries: slices.Concat(m.Queries, other.Queries),
		Mods:    slices.Concat(m.Mods, other.Mods),
		Roots:   slices.Concat(m.Roots, other.Roots),
		Own:     slices.Concat(m.Own, other.Own),
		Sums:    verify.JoinGoSums(m.Sums, other.Sums),
		Skipped: slices.Concat(m.Skipped, other.Skipped),
	}.settled()
}

// settled returns m as its documentation promises it.
func (m Manifest) settled() Manifest {
	m.Modules = once(m.Modules, compareModules)
	m.Mods = once(m.Mods, compareModules)
	m.Mods = slices.DeleteFunc(m.Mods, func(v module.Version) bool {
		_, whole := slices.BinarySearchFunc(m.Modules, v, compareModules)
		return whole
	})
	m.Queries = once(m.Queries, func(a, b Query) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Query, b.Query))
	})
	m.Roots = once(m.Roots, compareModules)
	m.Own = once(m.Own, cmp.Compare[string])
	seen := make(map[Skipped]bool)
	m.Skipped = slices.DeleteFunc(m.Skipped, func(s Skipped) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
	return m
}

func once[T comparable](list []T, compare func(a, b T) int) []T {
	slices.SortFunc(list, compare)
	return slices.Compact(list)
}
