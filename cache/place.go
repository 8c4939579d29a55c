package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// A place is a disk store's directory as it was opened. Who removes the directory
// under a running process leaves it a place where nothing can be written any more;
// then there is another one by the same name.
type place struct {
	root  *os.Root
	owner *owner // nil where nothing is written
}

// openPlace makes the directory if it does not exist.
func openPlace(dir string) (*place, error) {
	// Spools are made by name, which must not change its meaning with the
	// process's working directory.
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	p := &place{root: root}
	err = root.MkdirAll(tempDir, 0o777)
	if err == nil {
		p.owner, err = claim(root)
	}
	if err != nil {
		root.Close()
		return nil, &fs.PathError{Op: "prepare", Path: dir, Err: err}
	}
	return p, nil
}

func (p *place) close() error {
	var err error
	if p.owner != nil {
		err = p.owner.release(p.root)
	}
	return errors.Join(err, p.root.Close())
}

func (d *Disk) root() *os.Root { return d.place.Load().root }

func (d *Disk) owner() *owner { return d.place.Load().owner }

// openOwn opens one of the store's own files to write, and makes it and its
// directory where they do not exist: somebody may have emptied the store, as
// go clean -modcache does.
func (p *place) openOwn(name string, flags int) (*os.File, error) {
	flags |= os.O_RDWR | os.O_CREATE
	file, err := p.root.OpenFile(name, flags, 0o666)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if err := p.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return nil, err
	}
	return p.root.OpenFile(name, flags, 0o666)
}

// inPlace calls do, and again if the directory turns out to have been removed.
func (d *Disk) inPlace(ctx context.Context, do func(*place) error) error {
	here := d.place.Load()
	err := do(here)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.renew(ctx, here); err != nil {
		return err
	}
	return do(d.place.Load())
}

// renew opens the directory anew if it is still the one of gone, which has been
// removed: the store is empty then, and goes on. Reads that are under way end by
// the old root, which closes itself after the last of them.
func (d *Disk) renew(ctx context.Context, gone *place) error {
	done, err := d.changing.take(ctx, "") // which is no key
	if err != nil {
		return err
	}
	defer done()
	if d.place.Load() != gone {
		return nil
	}
	next, err := openPlace(gone.root.Name())
	if err != nil {
		return err
	}
	d.place.Store(next)
	d.account.empty()
	return gone.owner.file.Close()
}
