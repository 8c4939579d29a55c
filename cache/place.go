package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// A place is a disk store's directory as it was opened. Who removes the directory
// under a running process leaves it a place where nothing can be written any more;
// then there is another one by the same name.
type place struct {
	root   *os.Root
	owner  *owner                 // nil where nothing is written
	ranges atomic.Pointer[ranges] // nil where each lock is a file, and where nothing is written
}

// openPlace makes the directory if it does not exist.
func openPlace(dir string) (*place, error) {
	// Spools are made by name, which must not change its meaning with the
	// process's working directory.
	if dir == "" {
		return nil, errors.New("no directory is named")
	}
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
	if err := p.prepare(); err != nil {
		root.Close()
		return nil, &fs.PathError{Op: "prepare", Path: dir, Err: err}
	}
	return p, nil
}

// prepare makes what the store has in its directory for itself.
func (p *place) prepare() error {
	for _, own := range []string{tempDir, keyLockDir, changeDir} {
		if err := p.root.MkdirAll(own, 0o777); err != nil {
			return err
		}
	}
	ranges, err := openRanges(p.root)
	if err != nil {
		return err
	}
	p.ranges.Store(ranges)
	if p.owner, err = claim(p.root); err != nil {
		return errors.Join(err, p.giveUpRanges())
	}
	return nil
}

func (p *place) close() error {
	var err error
	if p.owner != nil {
		err = p.owner.release(p.root)
	}
	return errors.Join(err, p.giveUpRanges(), p.root.Close())
}

func (p *place) giveUpRanges() error {
	if r := p.ranges.Load(); r != nil {
		return r.giveUp()
	}
	return nil
}

func (d *Disk) root() *os.Root { return d.place.Load().root }

func (d *Disk) owner() *owner { return d.place.Load().owner }

// openOwn opens one of the store's own files to write, and makes it if it does not
// exist.
func (p *place) openOwn(name string, flags int) (*os.File, error) {
	return p.root.OpenFile(name, flags|os.O_RDWR|os.O_CREATE, 0o666)
}

// isThere reports whether the directory of that name is still the one that was
// opened. Who moves it away and makes another has the store go on in that one.
func (p *place) isThere() bool {
	now, err := os.Stat(p.root.Name())
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	opened, err := p.root.Stat(".")
	return err == nil && os.SameFile(now, opened)
}

// inPlace calls do, in the directory that has the name now, and again if that
// turns out to have been emptied, as go clean -modcache does.
func (d *Disk) inPlace(ctx context.Context, do func(*place) error) error {
	here := d.place.Load()
	err := fs.ErrNotExist
	if here.isThere() {
		err = do(here)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.renew(ctx, here); err != nil {
		return err
	}
	return do(d.place.Load())
}

// follow opens the directory that has the name now, if that is another one than was
// opened, and reports whether it did.
func (d *Disk) follow(ctx context.Context) bool {
	here := d.place.Load()
	if here.isThere() {
		return false
	}
	if _, err := os.Stat(here.root.Name()); err != nil {
		return false // there is none; who writes will make it
	}
	return d.renew(ctx, here) == nil
}

// renew opens the directory anew, unless somebody has already done so since gone
// was: the store may be empty then, and goes on. Reads that are under way end by the
// old root, which closes itself after the last of them.
func (d *Disk) renew(ctx context.Context, gone *place) error {
	done, err := d.changing.take(ctx, "") // which is no key
	if err != nil {
		return err
	}
	defer done()
	if d.place.Load() != gone {
		return nil
	}
	if d.closed.Load() {
		return fs.ErrClosed
	}
	if d.readOnly {
		root, err := os.OpenRoot(gone.root.Name())
		if err == nil {
			d.place.Store(&place{root: root})
		}
		return err
	}
	next, err := openPlace(gone.root.Name())
	if err != nil {
		return err
	}
	d.place.Store(next)
	d.account.empty()
	d.janitor.wake() // there may be something in it
	return errors.Join(gone.owner.file.Close(), gone.giveUpRanges())
}
