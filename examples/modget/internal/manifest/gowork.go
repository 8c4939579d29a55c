package manifest

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// parseGoWork returns what the modules of a workspace ask for together.
func parseGoWork(file string, data []byte) (Manifest, error) {
	work, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return Manifest{}, unparsed(file, err)
	}
	if len(work.Use) == 0 {
		return Manifest{}, at(file, 0, `uses no module: add one with "go work use DIRECTORY"`)
	}
	p, err := openWorkspace(file, work)
	if err != nil {
		return Manifest{}, err
	}
	m, err := p.manifest()
	if err != nil {
		return Manifest{}, err
	}
	m.skipToolchain(file, work.Go, work.Toolchain)
	return m, nil
}

// openWorkspace reads the files of a workspace. In go.work.sum is what the
// workspace selects and no module of it does alone: what is listed there is wanted,
// for nothing else names it.
func openWorkspace(file string, work *modfile.WorkFile) (*project, error) {
	p := new(project)
	if err := p.sums.beside(file + ".sum"); err != nil {
		return nil, err
	}
	own, err := p.sums.parsed()
	if err != nil {
		return nil, err
	}
	p.whole, _ = listed(own)
	if err := p.replace.inWorkspace(file, work.Replace); err != nil {
		return nil, err
	}
	for _, u := range work.Use {
		if err := p.use(file, u); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// use reads the module of a directory that the go.work file uses.
func (p *project) use(file string, u *modfile.Use) error {
	dir := filepath.FromSlash(u.Path)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(file), dir)
	}
	name := filepath.Join(dir, "go.mod")
	data, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return at(file, u.Syntax.Start.Line, `it uses %s, where there is no go.mod file: check out that directory, or run "go work edit -dropuse=%s"`, u.Path, u.Path)
	}
	if err != nil {
		return err
	}
	main, err := parseMain(name, data)
	if err != nil {
		return err
	}
	p.mains = append(p.mains, main)
	if err := p.replace.inModule(name, main.mod.Replace); err != nil {
		return err
	}
	return p.sums.beside(main.sumFile())
}
