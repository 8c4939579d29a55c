package cache

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// The order in which an entry is written, so that a process or a machine that
// dies at any point leaves the old entry, the new one or a miss:
//
//  1. The content is written to a temporary file in the same file system and
//     synced: what gets a name below is on the disk.
//  2. The record is written to a temporary file. It is small, and one that was
//     torn cannot be parsed.
//  3. The record is renamed to its name. From here until 4 the content is the old
//     one, or there is none, which the record does not describe: a miss.
//  4. The content is renamed to its key. The entry counts. Content always has a
//     record, then, by which room can be made even for what a crash left behind.
//  5. The directories of both are synced, and those of directories that were made
//     for them: the names are on the disk. A crash before that may bring the old
//     names back, each by itself; where they do not fit together, it is a miss.
//
// With NoSync, 1 does not sync and 5 is left out: a crash of the machine, though
// not of the process, may then leave an entry of the right size and wrong bytes,
// which is found out when it is first read.

// makeDirs makes a directory and those above it, and syncs the names of those
// that it made. Somebody may remove one that is still empty meanwhile.
func (d *Disk) makeDirs(dir string) error {
	var err error
	for range 5 {
		if err = d.tryMakeDirs(dir); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

func (d *Disk) tryMakeDirs(dir string) error {
	err := d.root().Mkdir(dir, 0o777)
	switch {
	case err == nil:
		return d.syncDir(path.Dir(dir))
	case errors.Is(err, fs.ErrExist):
		if info, err := d.root().Stat(dir); err == nil && !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist) || dir == ".":
		return err
	}
	if err := d.tryMakeDirs(path.Dir(dir)); err != nil {
		return err
	}
	err = d.root().Mkdir(dir, 0o777)
	if err != nil && !errors.Is(err, fs.ErrExist) { // somebody else may have been faster
		return err
	}
	return d.syncDir(path.Dir(dir))
}

// syncDir makes the names in a directory last. Some file systems cannot, and say
// so.
func (d *Disk) syncDir(dir string) error {
	if d.opts.NoSync {
		return nil
	}
	file, err := d.root().Open(dir)
	if err != nil {
		return ignoreAbsence(err) // what was in it has been evicted or deleted, and it with that
	}
	err = file.Sync()
	file.Close()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}
