package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/semver"
)

const inputs = `What is wanted is any of these:
  MODULE[@QUERY]      as for "go get": a version, latest, v1, a branch; without one, the latest
  go.mod              what it requires, and what the go.sum beside it lists
  go.sum              what it lists
  go.work             what its modules require
  vendor/modules.txt  what was vendored
  any other file      lines of MODULE@QUERY; # begins a comment; - is standard input
  all                 the whole module graph of the module in this directory`

// wanted returns what the arguments ask for, but for "all", which only a Client
// can tell: graph is whether that is among them.
func (a *app) wanted(ctx context.Context, args []string) (want manifest.Manifest, graph bool, err error) {
	for _, arg := range args {
		one, err := soon(ctx, func() (manifest.Manifest, error) { return a.input(arg) })
		if ctx.Err() != nil {
			return manifest.Manifest{}, false, context.Cause(ctx)
		}
		if err != nil {
			return manifest.Manifest{}, false, badInput(err)
		}
		want, graph = want.Add(one), graph || arg == "all"
	}
	return want, graph, nil
}

// input returns what one argument asks for.
func (a *app) input(arg string) (one manifest.Manifest, err error) {
	switch arg {
	case "all":
		one.Sums, err = sumsHere()
		return one, err
	case "-":
		return manifest.ReadList("standard input", a.In)
	}
	if semver.IsValid(arg) {
		return one, usagef("%q is a version: write it behind its module, as in MODULE@%s", arg, arg)
	}
	return manifest.Args([]string{arg})
}

// badInput makes a usageError of what is wrong with an input, but for a file that
// is there and could not be read.
func badInput(err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok || errno == syscall.EISDIR || errno == syscall.ENOTDIR:
		return usageError{err}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, ok := errors.AsType[*manifest.Error](err); !ok {
		err = fmt.Errorf("%w: check the name and the directory", err)
	}
	return usageError{err}
}

// defaultInput is what is wanted where nobody says: the workspace or the main module of
// this directory, as the go command finds them, else what was vendored here.
func defaultInput() (string, error) {
	if file, ok := upward("go.work"); ok && os.Getenv("GOWORK") != "off" {
		return file, nil
	}
	if file, ok := upward("go.mod"); ok {
		return file, nil
	}
	vendored := filepath.Join("vendor", "modules.txt")
	if _, err := os.Stat(vendored); err == nil {
		return vendored, nil
	}
	return "", usagef("there is no go.work or go.mod here or above, and no vendor/modules.txt here: name a module or a file, as in %q", "modget warm go.sum")
}

// upward returns the file of that name in this directory or the nearest one above.
func upward(name string) (file string, ok bool) {
	dir, err := os.Getwd()
	for err == nil {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			return file, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", false
}

// sumsHere returns the go.sum of the main module, which is in this directory or one
// above; nil if it has none.
func sumsHere() (*verify.GoSum, error) {
	goMod, ok := upward("go.mod")
	if !ok {
		return nil, errors.New("\"all\" is of the module in this directory, and there is no go.mod here or above: go to the module's directory, or name modules")
	}
	sums, err := manifest.ReadGoSum(filepath.Join(filepath.Dir(goMod), "go.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return sums, err
}

// graph returns the main module's whole graph, as the real go command loads it
// through s.
func (s *session) graph(ctx context.Context) (manifest.Manifest, error) {
	proxy, err := s.serve()
	if err != nil {
		return manifest.Manifest{}, err
	}
	defer proxy.close()
	want, err := manifest.All(ctx, &manifest.Go{Env: slices.Concat(os.Environ(), s.goEnv(proxy.url))})
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("loading the module graph: %w", err)
	}
	return want, nil
}

// goEnv are the settings with which a go command asks this program alone.
func (s *session) goEnv(proxy string) []string {
	return []string{
		"GOPROXY=" + proxy,
		"GOPRIVATE=", "GONOPROXY=none", // which would lead it round the proxy
		"GONOSUMDB=" + s.settings.GONOSUMDB,
		"GOSUMDB=" + s.settings.GOSUMDB,
		"GOTOOLCHAIN=local",
	}
}
