package manifest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// A Go is the real go command, as PATH has it, in the directory and environment of a
// project.
type Go struct {
	// Dir is a directory of the main module or of the workspace. Empty is the
	// current directory.
	Dir string

	// Env is the environment, as NAME=VALUE, of which the last one of a name
	// counts; nil is this process's own. GOPROXY in it decides where go.mod files
	// come from. Where it has no GOTOOLCHAIN it gets GOTOOLCHAIN=local: to list
	// modules no other Go is downloaded and run.
	Env []string
}

// All returns every module of the main module's graph, or of the workspace's: the
// versions that "go list -m all" selects, for which it reads the go.mod files of
// the whole graph. With the go.sum files of the project also the go.mod files that
// those list are wanted. No file of the project is changed, and a vendor directory
// plays no part.
//
// The go command is given until ctx ends. The error says what it complained of; it
// is that of ctx if that has ended, and [exec.ErrNotFound] if there is no go
// command.
func All(ctx context.Context, g *Go) (Manifest, error) {
	out, err := g.run(ctx, "list", "-m", "-mod=readonly", "-json", "all")
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	var sums sumFiles
	if err := m.wantGraph(out, &sums); err != nil {
		return Manifest{}, fmt.Errorf("go list -m all: %w", err)
	}
	work, err := g.run(ctx, "env", "GOWORK")
	if err != nil {
		return Manifest{}, err
	}
	if file := strings.TrimSpace(string(work)); file != "" && file != "off" {
		if err := sums.beside(file + ".sum"); err != nil {
			return Manifest{}, err
		}
	}
	m.Sums, err = sums.parsed()
	_, m.Mods = listed(m.Sums)
	return m.settled(), err
}

// node is what is read of an answer of go list -m -json.
type node struct {
	Path, Version string
	Main          bool
	Dir           string
	Replace       *node
}

// wantGraph adds the modules that go list prints, and the go.sum files of the main
// modules among them.
func (m *Manifest) wantGraph(out []byte, sums *sumFiles) error {
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var n node
		switch err := d.Decode(&n); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if n.Main {
			if err := sums.beside(filepath.Join(n.Dir, "go.sum")); err != nil {
				return err
			}
			continue
		}
		by := cmp.Or(n.Replace, &n)
		if by.Version == "" {
			m.skip(strings.TrimSpace(n.Path+" "+n.Version)+" => "+by.Path, "it is replaced by a directory")
			continue
		}
		if err := m.wantVersion(module.Version{Path: by.Path, Version: by.Version}); err != nil {
			return err
		}
	}
}

// run runs the go command and returns what it prints on standard output.
func (g *Go) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.Dir, g.environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second // for it to remove its temporary files
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf(`%w: to follow a module graph takes the go command: install it, or name a go.mod or go.sum file instead of "all"`, err)
	case err != nil:
		return nil, fmt.Errorf("go %s: %s (%w)", strings.Join(args, " "), complaint(stderr.String()), err)
	}
	return stdout.Bytes(), nil
}

func (g *Go) environ() []string {
	env := g.Env
	if env == nil {
		env = os.Environ()
	}
	for _, setting := range slices.Backward(env) {
		if toolchain, ok := strings.CutPrefix(setting, "GOTOOLCHAIN="); ok && toolchain != "" {
			return env
		}
	}
	return append(slices.Clip(env), "GOTOOLCHAIN=local")
}

// complaint returns on one line what the go command says on standard error, without
// its reports of progress.
func complaint(stderr string) string {
	var said []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimPrefix(oneLine(line), "go: ")
		if line != "" && !strings.HasPrefix(line, "downloading ") {
			said = append(said, line)
		}
	}
	const most = 8 // lines, which is what the go command repeats of another's words
	return strings.Join(said[:min(len(said), most)], " ")
}
