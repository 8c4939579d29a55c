package manifest

import (
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// replacements are the replace directives of a main module or a workspace. Those
// of go.work come before those of the modules, which are in force for the whole
// workspace (cmd/go/internal/modload, replacementFrom).
type replacements struct {
	workspace, modules map[module.Version]replacement
}

type replacement struct {
	by   module.Version // its version is empty for a directory
	dir  string         // if it is one: where it is
	file string         // that says so
}

// inWorkspace takes the directives of a go.work file.
func (r *replacements) inWorkspace(file string, directives []*modfile.Replace) error {
	r.workspace = make(map[module.Version]replacement)
	return merge(r.workspace, file, directives, nil)
}

// inModule takes the directives of a main module's go.mod file. Two modules may
// contradict each other only where go.work decides.
func (r *replacements) inModule(file string, directives []*modfile.Replace) error {
	if r.modules == nil {
		r.modules = make(map[module.Version]replacement)
	}
	return merge(r.modules, file, directives, r.workspace)
}

func merge(into map[module.Version]replacement, file string, directives []*modfile.Replace, decided map[module.Version]replacement) error {
	for _, d := range directives {
		if _, ok := decided[d.Old]; ok {
			continue
		}
		now := replacement{by: d.New, dir: directory(file, d.New), file: file}
		was, again := into[d.Old]
		if again && (was.by.Version != now.by.Version || was.dir != now.dir || now.dir == "" && was.by.Path != now.by.Path) {
			return at(file, d.Syntax.Start.Line, "%v is replaced by %v here and by %v in %s: keep one of the two, or decide in go.work",
				d.Old, now.by, was.by, was.file)
		}
		into[d.Old] = now
	}
	return nil
}

// directory returns where a replacement by a directory is, as the file has it.
func directory(file string, by module.Version) string {
	switch {
	case by.Version != "":
		return ""
	case filepath.IsAbs(by.Path):
		return filepath.Clean(by.Path)
	}
	return filepath.Join(filepath.Dir(file), by.Path)
}

// of returns what a module is replaced by. A directive for its version comes
// before one for all versions.
func (r *replacements) of(v module.Version) (replacement, bool) {
	for _, layer := range []map[module.Version]replacement{r.workspace, r.modules} {
		if by, ok := layer[v]; ok {
			return by, true
		}
		if by, ok := layer[module.Version{Path: v.Path}]; ok {
			return by, true
		}
	}
	return replacement{}, false
}
