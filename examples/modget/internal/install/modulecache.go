package install

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// ModuleCacheOptions says from where to where, and by which rules. But for Cache,
// zero fields mean the defaults.
type ModuleCacheOptions struct {
	// Cache is the directory that the modules are in: a Client's cache directory
	// after its Flush, a bundle, or any other tree that the go command takes as
	// GOPROXY=file://DIR. It must have the .info, the go.mod file and the zip of
	// each module. It is only read.
	Cache string

	// Source gives the go.mod files of modules that are wanted without their zip,
	// and the .info files of Infos, such as the Client whose directory Cache is,
	// which verifies what can be verified. Default: the files of Cache as they are,
	// which are for the go command to verify when it uses them.
	Source upstream.Upstream

	// Infos are modules whose .info file is wanted, without their zip. A build does
	// without, but "go list -m all" fails where that of a module is missing that it
	// lists, be its go.mod file needed or not. Default: none.
	Infos []module.Version

	// Dir is the module cache. Default: the user's GOMODCACHE.
	Dir string

	// GoSum are the go.sum files of the project that the modules are for. What they
	// list must hash so, and the checksum database is not asked about it.
	// Default: none.
	GoSum *verify.GoSum

	// GOSUMDB and GONOSUMDB are as for the go command, which asks Cache for what
	// the database says; for what is not there it asks the database itself.
	// Defaults: the user's, where GONOSUMDB includes GOPRIVATE.
	GOSUMDB, GONOSUMDB string

	// Go is the go command. Default: "go" in PATH.
	Go string

	// Done is called with each module when its outcome is known, by the goroutine
	// that called ModuleCache. The go command tells the outcomes of a few hundred
	// modules at a time. Default: nobody is told.
	Done func(Installed)
}

// An Installed is the outcome for one module.
type Installed struct {
	Module module.Version
	GoMod  string // the go.mod file in GOMODCACHE; empty if there is none
	Dir    string // the module's sources there; empty if only the go.mod file was wanted
	Err    error  // why it is not installed
}

// ModuleCache puts modules, and of those in mods the go.mod file alone, into
// GOMODCACHE; versions are canonical. It returns the outcomes in the order in which
// they came about. What is there is left alone, so that a call which was
// interrupted can be made again; the go command is interrupted when ctx ends.
//
// The error is nil when all modules are there. Else it joins those of the first
// hundred that are not, each a [*GoError] or [*DiskFullError], or an
// [upstream.Error] where a go.mod or .info file is not to be had; or it is what
// stopped the whole: a [*NoGoError], a [*NotWritableError], the context's error.
// After a full disk nothing more is tried, and what was not tried has no outcome.
//
// Calls at the same time, and the go command beside them, do not harm each other.
func ModuleCache(ctx context.Context, modules, mods []module.Version, opts *ModuleCacheOptions) (all []Installed, err error) {
	o := *opts
	g, err := openGoCommand(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := prepare(g.moduleCache); err != nil {
		return nil, err
	}
	if o.Source == nil {
		o.Source = upstream.Dir(o.Cache)
	}
	in := &installation{opts: o, goCommand: g}
	for _, step := range []func() error{
		func() error { return in.modules(ctx, modules) },
		func() error { return in.goMods(ctx, mods) },
		func() error { return in.infos(ctx) },
	} {
		if err := step(); err != nil {
			return in.all, in.failed.join(err)
		}
	}
	return in.all, in.failed.join(nil)
}

// An installation is one call of ModuleCache.
type installation struct {
	opts      ModuleCacheOptions
	goCommand *goCommand
	all       []Installed
	failed    failures
}

// tell takes in an outcome. The error is that there is no use in going on.
func (in *installation) tell(i Installed) error {
	in.all = append(in.all, i)
	if in.opts.Done != nil {
		in.opts.Done(i)
	}
	if _, ok := errors.AsType[*DiskFullError](i.Err); ok {
		return i.Err
	}
	in.failed.add(i.Err)
	return nil
}

func (in *installation) modules(ctx context.Context, modules []module.Version) error {
	var valid []module.Version
	for _, m := range modules {
		if _, err := cached("", upstream.Zip, m); err != nil { // such as a version that the go command would resolve
			in.tell(Installed{Module: m, Err: err})
			continue
		}
		valid = append(valid, m)
	}
	for batch := range batches(valid) {
		outcomes, err := in.goCommand.download(ctx, batch)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			if err := in.tell(in.explain(ctx, o)); err != nil {
				return err
			}
		}
	}
	return nil
}

// explain looks whether the module that the go command failed to install has room
// at all: in the go command's text that cannot be told from other failures.
func (in *installation) explain(ctx context.Context, i Installed) Installed {
	if i.Err == nil {
		return i
	}
	need, err := in.size(i.Module)
	if err != nil {
		return i // there is no such zip, which is what the go command says, too
	}
	if free, ok := freeBytes(ctx, in.goCommand.moduleCache); ok && free < need {
		i.Err = &DiskFullError{Module: i.Module, Need: need, Free: free, Err: i.Err}
	}
	return i
}

// cached returns the place of a module's file in a directory that is laid out as
// a module proxy.
func cached(dir string, k upstream.Kind, m module.Version) (string, error) {
	req, err := upstream.NewRequest(k, m.Path, m.Version)
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", m, err)
	}
	return filepath.Join(dir, filepath.FromSlash(req.Key())), nil
}
