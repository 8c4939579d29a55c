package manifest

import (
	"errors"
	"go/version"
	"strings"

	"golang.org/x/mod/modfile"
)

// pruned is the go line since which a go.mod file names every module that the main
// module's packages need (https://go.dev/ref/mod#graph-pruning).
const pruned = "go1.17"

// A mainModule is a go.mod file of the project itself.
type mainModule struct {
	file string
	mod  *modfile.File
}

// parseGoMod returns what the go.mod file of a main module asks for.
func parseGoMod(file string, data []byte) (Manifest, error) {
	main, err := parseMain(file, data)
	if err != nil {
		return Manifest{}, err
	}
	p := project{mains: []mainModule{main}}
	if err := p.replace.inModule(file, main.mod.Replace); err != nil {
		return Manifest{}, err
	}
	if err := p.sums.beside(main.sumFile()); err != nil {
		return Manifest{}, err
	}
	return p.manifest()
}

func parseMain(file string, data []byte) (mainModule, error) {
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		return mainModule{}, unparsed(file, err)
	}
	return mainModule{file, mod}, nil
}

// sumFile is go.sum beside go.mod, and x.sum for -modfile=x.mod.
func (m mainModule) sumFile() string { return strings.TrimSuffix(m.file, ".mod") + ".sum" }

// isPruned reports whether the file names all that a build needs. Without a go line
// the language is that of Go 1.16.
func (m mainModule) isPruned() bool {
	return m.mod.Go != nil && version.Compare("go"+m.mod.Go.Version, pruned) >= 0
}

// path returns the module's path, empty if it does not say.
func (m mainModule) path() string {
	if m.mod.Module == nil {
		return ""
	}
	return m.mod.Module.Mod.Path
}

// unparsed is about the first thing that is wrong with a go.mod or go.work file:
// what comes after it often follows from it.
func unparsed(file string, err error) error {
	list, ok := errors.AsType[modfile.ErrorList](err)
	if !ok || len(list) == 0 {
		return at(file, 0, "%w: correct the file", err)
	}
	first := list[0]
	line := first.Pos.Line
	first.Filename, first.Pos = "", modfile.Position{}
	return at(file, line, "%s: correct the line", oneLine(first.Error()))
}
