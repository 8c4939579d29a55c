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
)

const inputs = `What is wanted is any of these:
  MODULE[@QUERY]      as for "go get": a version, latest, v1, a branch; without one, the latest
  go.mod              what it requires, and what the go.sum beside it lists
  go.sum              what it lists
  go.work             what its modules require
  vendor/modules.txt  what was vendored
  any other file      lines of MODULE[@QUERY]; # begins a comment; - is standard input
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

// defaultInputs are what is wanted in a directory where nobody says: the first of
// them that is there.
var defaultInputs = [...]string{"go.work", "go.mod", filepath.Join("vendor", "modules.txt")}

func defaultInput() (string, error) {
	for _, name := range defaultInputs {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", usagef("there is no go.work, go.mod or vendor/modules.txt in this directory: name a module or a file, as in %q", "modget warm go.sum")
}

// sumsHere returns the go.sum of the main module, which is in this directory or one
// above; nil if it has none.
func sumsHere() (*verify.GoSum, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, errors.New("\"all\" is of the module in this directory, and there is no go.mod here or above: go to the module's directory, or name modules")
		}
		dir = parent
	}
	sums, err := manifest.ReadGoSum(filepath.Join(dir, "go.sum"))
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
