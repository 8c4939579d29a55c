package manifest

import (
	"cmp"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// compareModules orders by path, and the versions of one path as versions. Two
// that differ in build metadata alone (+incompatible) are two.
func compareModules(a, b module.Version) int {
	return cmp.Or(
		cmp.Compare(a.Path, b.Path),
		semver.Compare(a.Version, b.Version),
		cmp.Compare(a.Version, b.Version),
	)
}
