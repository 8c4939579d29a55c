package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// parseGoSum returns what a go.sum file lists.
func parseGoSum(file string, data []byte) (Manifest, error) {
	var s sumFiles
	if err := s.add(file, data); err != nil {
		return Manifest{}, err
	}
	sums, err := s.parsed()
	if err != nil {
		return Manifest{}, err
	}
	zips, mods := listed(sums)
	graph := graphBeside(file)
	return Manifest{Modules: zips, Mods: mods, Sums: sums, Roots: graph.Roots, Own: graph.Own}, nil
}

// graphBeside returns what the go.mod file beside a go.sum file says of the project's
// graph. One that is not there, or not in order, says nothing: it is not what was asked
// for. Nor is it opened where that might wait for ever, as it does for a pipe.
func graphBeside(goSum string) Manifest {
	file := strings.TrimSuffix(goSum, ".sum") + ".mod"
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return Manifest{}
	}
	data, err := readAnyFile(file)
	if err != nil {
		return Manifest{}
	}
	m, err := parseGoMod(file, data)
	if err != nil {
		return Manifest{}
	}
	return m
}

// ReadGoSum reads a go.sum file of any name, which may be empty. Bounds and errors
// are those of [Read].
func ReadGoSum(file string) (*verify.GoSum, error) {
	data, err := readAnyFile(file)
	if err != nil {
		return nil, err
	}
	var s sumFiles
	if err := s.add(file, data); err != nil {
		return nil, err
	}
	return s.parsed()
}

// sumFiles are the go.sum files of a project. Each line was looked at.
type sumFiles struct {
	names []string
	text  bytes.Buffer
}

// beside adds a go.sum file if it exists.
func (s *sumFiles) beside(file string) error {
	data, err := readAnyFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.add(file, data)
}

func (s *sumFiles) add(file string, data []byte) error {
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if err := checkSumLine(line); err != nil {
			return &Error{File: file, Line: number, Err: err}
		}
	}
	s.names = append(s.names, file)
	s.text.Write(data)
	s.text.WriteByte('\n') // the last line may have none
	return nil
}

// parsed returns what the files list, nil if there are none.
func (s *sumFiles) parsed() (*verify.GoSum, error) {
	if len(s.names) == 0 {
		return nil, nil
	}
	return verify.ParseGoSum(strings.Join(s.names, ", "), s.text.Bytes())
}

// checkSumLine is stricter than the go command, to which a line of three words
// that it does not understand is as good as none: what is garbled here would be
// missing in a build without network.
func checkSumLine(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	const repair = `repair the line, or remove it and run "go mod tidy"`
	if len(fields) != 3 {
		return fmt.Errorf(`%q is not "path version hash": %s`, shortened(strings.Join(fields, " ")), repair)
	}
	path, version := fields[0], strings.TrimSuffix(fields[1], "/go.mod")
	if err := checkPath(path, version); err != nil {
		return fmt.Errorf("%w: %s", err, repair)
	}
	if version == "" || module.CanonicalVersion(version) != version {
		return fmt.Errorf("%s: version %q is not of the form v1.2.3: %s", path, version, repair)
	}
	return nil
}

// listed returns the versions whose zips are listed, and those whose go.mod files
// are.
func listed(sums *verify.GoSum) (zips, mods []module.Version) {
	if sums == nil {
		return nil, nil
	}
	for _, req := range sums.Files() {
		v := module.Version{Path: req.Module(), Version: req.Version()}
		if req.Kind() == upstream.Zip {
			zips = append(zips, v)
		} else {
			mods = append(mods, v)
		}
	}
	return zips, mods
}
