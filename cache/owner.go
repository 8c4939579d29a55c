package cache

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// ownerDir holds a file for each process that has the store open, locked for as
// long. The names of its temporary files have the owner's name in them, so that
// what a process leaves behind when it dies can be told from what is being
// written.
const ownerDir = ".breakwater/owners"

// leftoverAge is how old a temporary file without an owner is when nobody can be
// writing it any more.
const leftoverAge = 24 * time.Hour

// An owner is this process's claim to its temporary files.
type owner struct {
	name string
	file *os.File
}

// claim makes an owner.
func claim(root *os.Root) (*owner, error) {
	if err := root.MkdirAll(ownerDir, 0o777); err != nil {
		return nil, err
	}
	// Until the file is locked, another process may take it for a dead one's
	// and remove it, with nothing in it: then there is another name.
	for range 10 {
		o := &owner{name: rand.Text()}
		name := path.Join(ownerDir, o.name)
		file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return nil, err
		}
		locked, err := tryLock(file)
		if _, statErr := root.Stat(name); locked && err == nil && statErr == nil {
			o.file = file
			return o, nil
		}
		file.Close()
		if err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the directory of owners is being emptied all the time")
}

// release gives the claim up.
func (o *owner) release(root *os.Root) error {
	return errors.Join(ignoreAbsence(root.Remove(path.Join(ownerDir, o.name))), o.file.Close())
}

func ignoreAbsence(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeLeftovers removes the temporary files of owners that are dead, which
// their locks show, and those of no owner that are old. Where there are no such
// locks, all are of no owner.
func (d *Disk) removeLeftovers() {
	// The files first: who comes between has its claim before its files.
	files, _ := fs.ReadDir(d.root().FS(), tempDir)
	alive := d.livingOwners()
	for _, f := range files {
		if d.isLeftover(f, alive) {
			d.root().Remove(path.Join(tempDir, f.Name()))
		}
	}
}

func (d *Disk) isLeftover(f fs.DirEntry, alive map[string]bool) bool {
	_, rest, _ := strings.Cut(f.Name(), "-")
	name, _, owned := strings.Cut(rest, "-")
	if owned && name != "" && locksWork {
		return !alive[name]
	}
	info, err := f.Info()
	return err == nil && time.Since(info.ModTime()) > leftoverAge
}

// livingOwners returns the names of the owners that are alive, and removes the
// files of the others.
func (d *Disk) livingOwners() map[string]bool {
	alive := map[string]bool{}
	if !locksWork {
		return alive
	}
	files, _ := fs.ReadDir(d.root().FS(), ownerDir)
	for _, f := range files {
		if f.Name() == d.owner().name || d.isAlive(f.Name()) {
			alive[f.Name()] = true
		}
	}
	return alive
}

// isAlive reports whether somebody holds the lock of an owner. If not, the
// owner's file is removed while the lock is held here, so that nobody takes the
// claim up meanwhile.
func (d *Disk) isAlive(name string) bool {
	file, err := d.root().OpenFile(path.Join(ownerDir, name), os.O_RDWR, 0)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // another user's, perhaps
	}
	defer file.Close()
	dead, err := tryLock(file)
	if err != nil || !dead {
		return true
	}
	d.root().Remove(path.Join(ownerDir, name))
	return false
}
