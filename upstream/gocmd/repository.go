package gocmd

import (
	"encoding/json"
	"strings"

	"golang.org/x/mod/module"
)

// repositoryRoot returns the module path that the root of the module's
// repository has, or would have: what begins with it is likely in the same
// repository. It goes by the directory that the go command says that the module
// is in; where that does not fit, it is the module path itself.
func repositoryRoot(path string, origin json.RawMessage) string {
	var o struct{ Subdir string }
	if json.Unmarshal(origin, &o) != nil {
		return path
	}
	prefix, _, _ := module.SplitPathVersion(path)
	if o.Subdir == "" {
		return prefix
	}
	for _, p := range []string{path, prefix} { // the directory may be one of the major version
		if root, ok := strings.CutSuffix(p, "/"+o.Subdir); ok {
			return root
		}
	}
	return path
}

// mayHold reports whether a clone for the module may be in the workspace.
func (w *workspace) mayHold(path string) bool {
	return path == w.module || path == w.root || strings.HasPrefix(path, w.root+"/")
}
