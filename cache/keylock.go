package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"
)

// A Locker is a Store that several processes share, and that lets them agree on
// who fetches what is missing.
type Locker interface {
	Store

	// Lock waits until nobody else holds the lock of key, in any process, or ctx
	// ends. It says nothing of the entry, which anybody may read and write. The
	// lock of a process that dies is free.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// Lock locks key if s is a [Locker]; elsewhere there is nobody to agree with.
// The error is that of ctx or of the store; without one, the caller calls unlock once.
func Lock(ctx context.Context, s Store, key string) (unlock func(), err error) {
	if l, ok := s.(Locker); ok {
		return l.Lock(ctx, key)
	}
	return func() {}, nil
}

const keyLockDir = ".breakwater/locks"

// Lock is the method of [Locker]. On Linux the lock is a byte of a file that all
// share. Elsewhere, and where the file system cannot lock bytes, it is a file, locked
// as [Disk.Swap]'s is, that goes with it.
func (d *Disk) Lock(ctx context.Context, key string) (unlock func(), err error) {
	return d.lockIn(ctx, keyLockDir, key, 50*time.Millisecond)
}

// lockIn locks a key for one of the store's own purposes, which has a directory. It
// looks again after longer and longer waits, up to longest.
func (d *Disk) lockIn(ctx context.Context, dir, key string, longest time.Duration) (unlock func(), err error) {
	unlock, err = d.lockRange(ctx, dir+"/"+key, longest)
	if unlock != nil || err != nil {
		return unlock, err
	}
	return d.lockFileIn(ctx, dir, key, longest)
}

// lockFileIn locks the file for a key.
func (d *Disk) lockFileIn(ctx context.Context, dir, key string, longest time.Duration) (unlock func(), err error) {
	sum := sha256.Sum256([]byte(key))
	name := path.Join(dir, hex.EncodeToString(sum[:16]))
	for wait := longest / 50; ; wait = min(2*wait, longest) {
		file, err := d.tryKeyLock(ctx, name)
		if err != nil {
			return nil, err
		}
		if file != nil {
			return sync.OnceFunc(func() { // twice would remove another's
				if d.isAt(name, file) { // and the directory is the same
					d.root().Remove(name) // while it is locked: who waits for it looks again
				}
				file.Close()
			}), nil
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// tryKeyLock returns the file of a lock that is held now, or nil if somebody
// else holds it.
func (d *Disk) tryKeyLock(ctx context.Context, name string) (*os.File, error) {
	file, err := d.openLock(ctx, name)
	if err != nil {
		return nil, err
	}
	ok, err := tryLock(file)
	if ok && d.isAt(name, file) {
		return file, nil
	}
	file.Close()
	return nil, err
}

// removeDeadLocks removes the files of locks whose holders died.
func (d *Disk) removeDeadLocks() {
	if !locksWork {
		return
	}
	for _, dir := range []string{keyLockDir, changeDir} {
		files, _ := fs.ReadDir(d.root().FS(), dir)
		for _, f := range files {
			name := path.Join(dir, f.Name())
			if file, err := d.tryKeyLock(context.Background(), name); err == nil && file != nil {
				d.root().Remove(name)
				file.Close()
			}
		}
	}
}

// isAt reports whether file is the one that has the name. Its last holder may
// have removed it, and the next have made another.
func (d *Disk) isAt(name string, file *os.File) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := d.root().Stat(name)
	return err == nil && os.SameFile(held, now)
}

// Lock is that of the slow store, which is the one that may be shared. Where that
// is read-only, the fast one takes its part.
func (l *layered) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if !isWritable(l.slow) {
		return Lock(ctx, l.fast, key)
	}
	return Lock(ctx, l.slow, key)
}
