package install

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/module"
)

// download has modules installed and returns the outcome of each. Where a checksum
// is wrong, the go command ends at once and says nothing of the others: those are
// then asked for in halves, until it is clear whom it was about.
func (g *goCommand) download(ctx context.Context, modules []module.Version) ([]Installed, error) {
	args := []string{"mod", "download", "-json", "--"}
	for _, m := range modules {
		args = append(args, m.String())
	}
	stdout, stderr, runErr := g.run(ctx, args...)
	if ctx.Err() != nil {
		return nil, runErr
	}
	outcomes, err := readOutcomes(stdout)
	if err != nil {
		return nil, fmt.Errorf("reading what the go command says: %w", err)
	}
	silent := without(modules, outcomes)
	if len(silent) == 1 && len(modules) == 1 {
		return []Installed{{Module: modules[0], Err: &GoError{modules[0], cmp.Or(string(stderr), fmt.Sprint(runErr))}}}, nil
	}
	for _, half := range [][]module.Version{silent[:len(silent)/2], silent[len(silent)/2:]} {
		if len(half) == 0 {
			continue
		}
		more, err := g.download(ctx, half)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, more...)
	}
	return outcomes, nil
}

// readOutcomes reads the objects that `go mod download -json` prints.
func readOutcomes(stdout []byte) ([]Installed, error) {
	var outcomes []Installed
	for dec := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var said struct{ Path, Version, Error, GoMod, Dir string }
		switch err := dec.Decode(&said); {
		case errors.Is(err, io.EOF):
			return outcomes, nil
		case err != nil:
			return nil, err
		}
		i := Installed{Module: module.Version{Path: said.Path, Version: said.Version}, GoMod: said.GoMod, Dir: said.Dir}
		if said.Error != "" {
			i.Err = &GoError{i.Module, said.Error}
		}
		outcomes = append(outcomes, i)
	}
}

// without returns the modules that are not among the outcomes.
func without(modules []module.Version, outcomes []Installed) []module.Version {
	told := map[module.Version]bool{}
	for _, i := range outcomes {
		told[i.Module] = true
	}
	return slices.DeleteFunc(slices.Clone(modules), func(m module.Version) bool { return told[m] })
}
