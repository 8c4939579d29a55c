package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// choose returns the modules with the given names, or if there are none all whose
// zip is listed: of many, go.sum files list the go.mod file alone.
func choose(sums *verify.GoSum, names []string) ([]module.Version, error) {
	var modules []module.Version
	for _, name := range names {
		path, version, _ := strings.Cut(name, "@")
		m := module.Version{Path: path, Version: version}
		if !sums.Lists(m, upstream.Zip) {
			return nil, fmt.Errorf("no zip of %s is listed", name)
		}
		if !slices.Contains(modules, m) { // two would be unpacked into one place
			modules = append(modules, m)
		}
	}
	for _, req := range sums.Files() {
		if len(names) == 0 && req.Kind() == upstream.Zip {
			modules = append(modules, module.Version{Path: req.Module(), Version: req.Version()})
		}
	}
	if len(modules) == 0 {
		return nil, errors.New("no zip is listed")
	}
	return modules, nil
}
