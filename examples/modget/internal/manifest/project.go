package manifest

import (
	"slices"

	"golang.org/x/mod/module"
)

// A project is a main module, or several in a workspace.
type project struct {
	mains   []mainModule
	replace replacements
	sums    sumFiles
	whole   []module.Version // wanted besides
}

// manifest returns what the go.mod files require, by the replace directives of
// all, and the go.mod files that the go.sum files list.
func (p *project) manifest() (Manifest, error) {
	var m Manifest
	for _, main := range p.mains {
		if err := p.require(&m, main); err != nil {
			return Manifest{}, err
		}
		m.skipToolchain(main.file, main.mod.Go, main.mod.Toolchain)
	}
	sums, err := p.sums.parsed()
	if err != nil {
		return Manifest{}, err
	}
	zips, mods := listed(sums)
	m.Roots, m.Own = slices.Clone(m.Modules), p.own()
	m.Modules = append(m.Modules, p.whole...)
	m.Mods, m.Sums = mods, sums
	if !p.isPruned() { // then the graph is all that is listed
		m.Roots = slices.Concat(m.Roots, zips, mods)
		m.Modules = append(m.Modules, zips...)
	}
	return m, nil
}

func (p *project) isPruned() bool {
	return !slices.ContainsFunc(p.mains, func(main mainModule) bool { return !main.isPruned() })
}

// require adds the requirements of a go.mod file.
func (p *project) require(m *Manifest, main mainModule) error {
	for _, r := range main.mod.Require {
		by, ok := p.replace.of(r.Mod)
		switch {
		case p.contains(r.Mod.Path):
			m.skip(r.Mod.String(), "it is a main module here")
			continue
		case ok && by.dir != "":
			m.skip(r.Mod.String()+" => "+by.by.Path, "it is replaced by a directory")
			continue
		case !ok:
			by.by = r.Mod
		}
		if err := m.wantVersion(by.by); err != nil {
			return &Error{File: main.file, Line: r.Syntax.Start.Line, Err: err}
		}
	}
	if !main.isPruned() && len(p.sums.names) == 0 && len(main.mod.Require) > 0 {
		m.skip("requirements of requirements of "+main.file,
			`with a go line below 1.17 it does not name them, and there is no go.sum file: run "go mod tidy" first, or ask for "all"`)
	}
	return nil
}

// own returns the paths of the main modules, and those that are replaced.
func (p *project) own() []string {
	var paths []string
	for _, main := range p.mains {
		paths = append(paths, main.path())
	}
	for _, layer := range []map[module.Version]replacement{p.replace.workspace, p.replace.modules} {
		for old := range layer {
			paths = append(paths, old.Path)
		}
	}
	return paths
}

// contains reports whether a path is that of a main module, which is what is
// built whatever version is required.
func (p *project) contains(path string) bool {
	return slices.ContainsFunc(p.mains, func(main mainModule) bool { return main.path() == path })
}
