package gocmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dirPrefix is how the names of the directories begin that Sources write to.
const dirPrefix = "breakwater-direct-"

// ownerFile is in the directory of each Source, locked for as long as the Source
// is open. The lock ends with its process, however that ends, so what a process
// left behind when it died can be told from what is in use.
const ownerFile = "owner"

// sweepTime bounds how long the leftovers of others are being removed. What is
// left then is for the next Source.
const sweepTime = time.Minute

// A scratch is the directory that holds everything that a Source writes.
type scratch struct {
	dir   string
	owner *os.File // the lock; nil where there are no locks, and nothing is ever swept
}

// newScratch makes a directory below parent.
func newScratch(parent string) (*scratch, error) {
	// Until the file is locked, another process may take the directory for a
	// dead one's and remove it, with nothing in it: then there is another one.
	for range 10 {
		dir, err := os.MkdirTemp(parent, dirPrefix)
		if err != nil {
			return nil, err
		}
		owner, err := own(dir)
		if err == nil {
			return &scratch{dir, owner}, nil
		}
		if !errors.Is(err, errSwept) {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return nil, errSwept
}

var errSwept = errors.New("new directories are taken for leftovers, and removed, all the time")

// own takes the lock of a new directory.
func own(dir string) (*os.File, error) {
	if !locksWork {
		return nil, nil
	}
	name := filepath.Join(dir, ownerFile)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	locked, err := tryLock(file)
	if err != nil { // a file system without locks; without the file nobody sweeps here
		file.Close()
		return nil, os.Remove(name)
	}
	if _, err := os.Stat(name); !locked || err != nil {
		file.Close()
		return nil, errSwept
	}
	return file, nil
}

// remove may be called again.
func (s *scratch) remove() error {
	err := removeAll(context.Background(), s.dir)
	if s.owner == nil {
		return err
	}
	if closeErr := s.owner.Close(); !errors.Is(closeErr, fs.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	return err
}

// removeAll removes a Source's directory, and the owner's file in the end: what
// is interrupted before is still seen to be a leftover.
func removeAll(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Name() == ownerFile {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		left := &workspace{dir: filepath.Join(dir, e.Name())}
		err = errors.Join(err, left.remove())
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// sweep removes the directories below parent whose owners are dead, until ctx
// ends.
func sweep(ctx context.Context, parent string) {
	if !locksWork {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if ctx.Err() != nil {
			return
		}
		if dir := filepath.Join(parent, e.Name()); strings.HasPrefix(e.Name(), dirPrefix) && isOurs(dir) {
			sweepOne(ctx, dir)
		}
	}
}

// isOurs reports whether dir itself, and not what a link leads to, is a
// directory of this user's: where parent is for everybody, as /tmp is, others
// make what they like, but cannot make that.
func isOurs(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.IsDir() && isMine(info)
}

// sweepOne removes dir if its owner is dead. The lock is held meanwhile: two that
// sweep do not meet.
func sweepOne(ctx context.Context, dir string) {
	owner, err := os.OpenFile(filepath.Join(dir, ownerFile), os.O_RDWR, 0)
	if err != nil {
		return // it has none: it is being made, or is gone
	}
	defer owner.Close()
	if dead, err := tryLock(owner); err == nil && dead {
		removeAll(ctx, dir) // what cannot be removed stays for the next Source
	}
}
