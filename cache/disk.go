package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"
)

// A Disk is a [Store] in a directory laid out like GOMODCACHE/cache/download:
// an entry's content is the file at its key, so that the directory also works
// as GOPROXY=file://DIR. Beside the content, below .breakwater, is a record of
// what the store knows of it.
//
// Content is written to a temporary file and synced; then its record, and then
// it itself, is renamed into place. An entry counts only where the record matches
// the file, so a process that dies in between leaves a miss. All names are opened
// through an [os.Root]: nothing outside of the directory is read or written,
// whatever links somebody puts into it.
//
// An entry is read in full, and compared with its digest, when this process
// meets it for the first time and whenever its file has changed. A damaged one is
// a miss and put aside.
//
// Several processes may use one directory. What it takes can be bounded; entries
// that are not used then go in the background, which needs no list of what there
// is, so a large store opens as fast as a small one.
type Disk struct {
	place    atomic.Pointer[place]
	opts     DiskOptions
	readOnly bool
	changing turns // for who changes what has a key
	reading  turns // for who reads it in full
	witness  *witness
	known    *known
	account  account
	janitor  *janitor
	full     atomic.Bool   // the disk, since the janitor looked
	purges   atomic.Int32  // because of that, since something was stored
	corrupt  atomic.Int64  // entries found damaged
	evicted  atomic.Int64  // entries removed to make room
	locked   chan struct{} // full while somebody in this process holds the lock
	closed   atomic.Bool
}

var (
	_ Spooler = (*Disk)(nil)
	_ Mover   = (*Disk)(nil)
	_ Deleter = (*Disk)(nil)
	_ Swapper = (*Disk)(nil)
)

const (
	tempDir   = ".breakwater/tmp"
	recordDir = ".breakwater/records"

	// maxName is the longest name of a file on common file systems, in bytes.
	// Content without room for its record's name would be stored in vain.
	maxName = 255
)

// OpenDisk opens the store in dir, which is made if it does not exist, and
// removes temporary files that processes left behind when they died. The error is
// that of the directory: it cannot be made, or may not be written. The caller closes
// the Disk.
func OpenDisk(dir string, opts *DiskOptions) (*Disk, error) {
	p, err := openPlace(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache directory: %w", err)
	}
	d := &Disk{witness: newWitness(), known: newKnown(), locked: make(chan struct{}, 1)}
	d.place.Store(p)
	if opts != nil {
		d.opts = *opts
	}
	d.removeLeftovers()
	d.removeDeadLocks()
	d.startJanitor()
	return d, nil
}

// Close releases the directory. Entries that were got before stay readable; other
// calls fail with [fs.ErrClosed]. Closing again does nothing.
func (d *Disk) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	d.stopJanitor()
	done, _ := d.changing.take(context.Background(), "") // as renew does; it is not for long
	defer done()
	return d.place.Load().close()
}

// Dir returns the directory.
func (d *Disk) Dir() string { return d.root().Name() }

// Get returns the entry under key. A file whose record is missing, unreadable
// or of another file is a miss.
func (d *Disk) Get(ctx context.Context, key string) (*Entry, error) {
	if err := CheckKey(key); err != nil {
		return nil, &MissError{Key: key, Err: err}
	}
	if ctx.Err() == nil && !d.closed.Load() && d.isAbsent(key) {
		d.follow(ctx)
		return nil, &MissError{Key: key}
	}
	e, err := d.get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) && d.follow(ctx) {
		return d.get(ctx, key)
	}
	return e, err
}

// isAbsent reports whether there is no record of the key, in whatever directory has the
// store's name now. It is one call, where to open a record takes one for each element
// of its path, and most of what is looked for on the way to a source is not there. A
// link that leads elsewhere gets it no further than to be opened.
func (d *Disk) isAbsent(key string) bool {
	_, err := os.Lstat(filepath.Join(d.root().Name(), filepath.FromSlash(recordName(key))))
	return errors.Is(err, fs.ErrNotExist)
}

func (d *Disk) get(ctx context.Context, key string) (*Entry, error) {
	var err error
	// Another goroutine may be between its two renames: look again.
	for range 3 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var e *Entry
		if e, err = d.open(ctx, key); !errors.Is(err, errReplaced) {
			return e, err
		}
	}
	return nil, &MissError{Key: key, Err: err}
}

var errReplaced = errors.New("the file is not the one that was stored")

// open returns the entry under key. One that is damaged is taken out of the way.
func (d *Disk) open(ctx context.Context, key string) (*Entry, error) {
	file, info, rec := d.openKnown(key)
	if file == nil {
		var err error
		if file, info, rec, err = d.openFile(key); err != nil {
			return nil, err
		}
	}
	if err := d.ensureWhole(ctx, key, file, info, rec); err != nil {
		file.Close()
		if !isDamage(err) {
			return nil, err
		}
		d.quarantine(ctx, key, info, err)
		return nil, &MissError{Key: key, Err: err}
	}
	d.touch(key, rec.used)
	return &Entry{Meta: rec.meta(), Size: rec.Size, Body: file, Layer: "disk"}, nil
}

// openFile opens the file under key, if it is the one that its record describes.
func (d *Disk) openFile(key string) (*os.File, fs.FileInfo, record, error) {
	begun := time.Now()
	rec, err := d.readRecord(key)
	if err != nil {
		return nil, nil, record{}, missOr(key, err)
	}
	file, err := d.root().Open(key)
	if err != nil {
		return nil, nil, record{}, missOr(key, err)
	}
	info, err := file.Stat()
	if err == nil && !rec.describes(info) {
		err = errReplaced
	}
	if err != nil {
		file.Close()
		return nil, nil, record{}, err
	}
	d.known.add(key, info, rec, begun)
	return file, info, rec, nil
}

// missOr makes a miss of an error that means absence.
func missOr(key string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &MissError{Key: key}
	case errors.Is(err, errRecord), isNameTooLong(err), isNotDir(err), isDir(err):
		return &MissError{Key: key, Err: err}
	}
	return err
}

// Delete removes the entry under key.
func (d *Disk) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return nil
	}
	d.follow(ctx)
	done, err := d.beginChange(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	return d.deleteInTurn(key)
}

func (d *Disk) deleteInTurn(key string) error {
	bytes, files := d.heldAt(key)
	err := d.removeEntry(key)
	if err == nil {
		d.grown(-bytes, -files)
		d.prune(path.Dir(key), ".")
		d.prune(path.Dir(recordName(key)), recordDir)
	}
	return err
}

// removeEntry removes content and then its record, so that what is left, if it
// comes to that, can be found by the record. Another process may put an entry in
// place meanwhile, and lose its record here: then its content goes as well.
func (d *Disk) removeEntry(key string) error {
	for range 3 {
		if err := errors.Join(d.remove(key), d.remove(recordName(key))); err != nil {
			return err
		}
		if info, err := d.root().Lstat(key); err != nil || info.IsDir() {
			return nil
		}
	}
	return nil
}

// prune removes directories that are empty, from dir upwards to, but without, the
// last.
func (d *Disk) prune(dir, last string) {
	for ; dir != last && dir != "."; dir = path.Dir(dir) {
		// What has the name may be the file of an entry.
		if info, err := d.root().Lstat(dir); err != nil || !info.IsDir() {
			return
		}
		if d.root().Remove(dir) != nil {
			return // it is not empty
		}
	}
}

func (d *Disk) remove(name string) error {
	err := d.root().Remove(name)
	// A directory that is not empty (fs.ErrExist) holds other entries.
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(missOr(name, err), fs.ErrNotExist) {
		return nil
	}
	return err
}

// contextReader ends reading when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
