package prommetrics

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

const libraryPath = "github.com/breakwater-go/breakwater"

// buildVersions returns the version of the library that the program was built with,
// "unknown" if it does not say, and that of Go.
func buildVersions() (library, goVersion string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", runtime.Version()
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path != libraryPath {
			continue
		}
		if m.Replace != nil {
			return cmp.Or(m.Replace.Version, "(devel)"), runtime.Version()
		}
		return cmp.Or(m.Version, "unknown"), runtime.Version()
	}
	return "unknown", runtime.Version()
}
