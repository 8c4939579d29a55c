package verify

import (
	"cmp"
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
)

// Files returns the requests for the files that are listed: go.mod files and zips,
// ordered by module path, version and kind, each once.
func (g *GoSum) Files() []upstream.Request {
	var files []upstream.Request
	for _, f := range g.files {
		for file := range f.sums {
			if req, err := upstream.NewRequest(file.kind, file.module.Path, file.module.Version); err == nil {
				files = append(files, req)
			}
		}
	}
	slices.SortFunc(files, func(a, b upstream.Request) int { return cmp.Compare(a.Key(), b.Key()) })
	return slices.Compact(files)
}
