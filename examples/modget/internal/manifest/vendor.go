package manifest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// parseVendor returns the modules of a vendor/modules.txt file. What is named only
// because of a replace directive that the build has no use for is not wanted.
func parseVendor(file string, data []byte) (Manifest, error) {
	modules, err := readVendored(file, data)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	for _, v := range modules {
		if err := m.wantVendored(v); err != nil {
			return Manifest{}, &Error{File: file, Line: v.line, Err: err}
		}
	}
	var s sumFiles
	if err := s.beside(filepath.Join(filepath.Dir(file), "..", "go.sum")); err != nil {
		return Manifest{}, err
	}
	m.Sums, err = s.parsed()
	return m, err
}

// vendored is a module of a modules.txt file.
type vendored struct {
	line int
	text string
	old  module.Version // without a version where all are replaced
	by   module.Version // without one for a directory; zero where it is not replaced
	used bool           // it has packages, or is required by the main module
}

// readVendored reads what vendoring writes (cmd/go/internal/modcmd/vendor.go): a line
// for each module, then lines that begin with "## " about it and its packages, and
// at last the replace directives that were not mentioned. "## workspace" comes
// before all.
func readVendored(file string, data []byte) ([]vendored, error) {
	var modules []vendored
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimSpace(string(raw))
		header, isModule := strings.CutPrefix(line, "# ")
		switch {
		case line == "":
		case isModule:
			v, err := parseVendored(header)
			if err != nil {
				return nil, &Error{File: file, Line: number, Err: err}
			}
			v.line = number
			modules = append(modules, v)
		case len(modules) > 0:
			modules[len(modules)-1].used = true
		case !strings.HasPrefix(line, "## "):
			return nil, at(file, number, "%q comes before any module: %s", shortened(line), revendor)
		}
	}
	return modules, nil
}

const revendor = `run "go mod vendor" again`

// parseVendored parses "path [version] [=> path [version]]", of which one of the
// two in the middle is there.
func parseVendored(header string) (vendored, error) {
	v := vendored{text: shortened(header)}
	left, right, replaced := strings.Cut(header, " => ")
	old := strings.Fields(left)
	by := strings.Fields(right)
	switch {
	case len(old) == 2 && semver.IsValid(old[1]):
		v.old = module.Version{Path: old[0], Version: old[1]}
	case len(old) == 1 && replaced:
		v.old = module.Version{Path: old[0]}
	default:
		return v, fmt.Errorf("%q is no module and version: %s", v.text, revendor)
	}
	switch {
	case !replaced:
	case len(by) == 2 && semver.IsValid(by[1]):
		v.by = module.Version{Path: by[0], Version: by[1]}
	case len(by) > 0 && modfile.IsDirectoryPath(by[0]):
		v.by = module.Version{Path: strings.TrimSpace(right)}
	default:
		return v, fmt.Errorf("%q is replaced by what is no module and no directory: %s", v.text, revendor)
	}
	return v, nil
}

func (m *Manifest) wantVendored(v vendored) error {
	switch {
	case v.by != module.Version{} && v.by.Version == "":
		m.skip(v.text, "it is replaced by a directory")
		return nil
	case !v.used:
		m.skip(v.text, "nothing that was vendored uses it")
		return nil
	case v.by.Version != "":
		return m.wantVersion(v.by)
	case v.old.Version == "":
		return fmt.Errorf("%q has no version: %s", v.text, revendor)
	}
	return m.wantVersion(v.old)
}
