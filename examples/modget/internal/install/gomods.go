package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// downloads is where the go command keeps files as they came from a proxy.
func (g *goCommand) downloads() string { return filepath.Join(g.moduleCache, "cache", "download") }

// goMods puts go.mod files where they are not yet.
func (in *installation) goMods(ctx context.Context, mods []module.Version) error {
	for _, m := range mods {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		file, err := in.file(ctx, upstream.Mod, m)
		switch {
		case isFull(err):
			err = &DiskFullError{Module: m, Err: err}
		case err != nil:
			err = fmt.Errorf("installing the go.mod file of %s: %w", m, err)
		}
		if err := in.tell(Installed{Module: m, GoMod: file, Err: err}); err != nil {
			return err
		}
	}
	return nil
}

// infos puts .info files where they are not yet. They are nobody's outcome, unless they
// fail.
func (in *installation) infos(ctx context.Context) error {
	for _, m := range in.opts.Infos {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_, err := in.file(ctx, upstream.Info, m)
		switch {
		case isFull(err):
			return &DiskFullError{Module: m, Err: err}
		case err != nil:
			in.failed.add(fmt.Errorf("installing the .info file of %s: %w", m, err))
		}
	}
	return nil
}

// file returns the place of a module's go.mod or .info file in GOMODCACHE. One that is
// there may be wrong, which the go command says when it uses it; to replace it is for
// the user.
func (in *installation) file(ctx context.Context, k upstream.Kind, m module.Version) (string, error) {
	req, err := upstream.NewRequest(k, m.Path, m.Version)
	if err != nil {
		return "", fmt.Errorf("installing %s: %w", m, err)
	}
	file := filepath.Join(in.goCommand.downloads(), filepath.FromSlash(req.Key()))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	content, err := upstream.ReadAll(ctx, in.opts.Source, req)
	if err != nil {
		return "", err
	}
	if err := writeBeside(file, content); err != nil {
		return "", err
	}
	return file, nil
}

// writeBeside writes a file under a temporary name, as the go command does, and
// renames it: it appears whole or not at all.
func writeBeside(file string, content []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	temp, err := os.OpenFile(file+rand.Text()+".tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
