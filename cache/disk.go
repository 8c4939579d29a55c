package cache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// DiskOptions tunes a disk store; a nil *DiskOptions means the defaults.
type DiskOptions struct {
	// NoSync leaves out the fsync of content before it gets its name. After a
	// crash of the machine, an entry may then have the right size and wrong
	// bytes. Default: false.
	NoSync bool
}

// A Disk is a [Store] in a directory laid out like GOMODCACHE/cache/download:
// an entry's content is the file at its key, so that the directory also works
// as GOPROXY=file://DIR. Beside the content, below .breakwater, is a record of
// what the store knows of it.
//
// Content is written to a temporary file, synced and renamed; then its record
// is renamed into place. An entry counts only where the record matches the
// file, so a process that dies in between leaves a miss. All names are opened
// through an [os.Root]: nothing outside of the directory is read or written,
// whatever links somebody puts into it.
//
// Several processes may use one directory. Its size has no bound yet.
type Disk struct {
	root   *os.Root
	opts   DiskOptions
	locked chan struct{} // full while somebody in this process holds the lock
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

	// leftoverAge is how old a temporary file is when nobody can be writing it
	// any more.
	leftoverAge = 24 * time.Hour
)

// OpenDisk opens the store in dir, which is made if it does not exist, and
// removes temporary files that a process left behind a day ago or earlier.
func OpenDisk(dir string, opts *DiskOptions) (*Disk, error) {
	// Spools are made by name, which must not change its meaning with the
	// process's working directory.
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache directory: %w", err)
	}
	if err := root.MkdirAll(tempDir, 0o777); err != nil {
		root.Close()
		return nil, fmt.Errorf("opening the cache directory %s: %w", dir, err)
	}
	d := &Disk{root: root, locked: make(chan struct{}, 1)}
	if opts != nil {
		d.opts = *opts
	}
	d.removeLeftovers()
	return d, nil
}

// Close releases the directory. Entries that were got before stay readable.
func (d *Disk) Close() error { return d.root.Close() }

// Dir returns the directory.
func (d *Disk) Dir() string { return d.root.Name() }

func (d *Disk) removeLeftovers() {
	files, _ := fs.ReadDir(d.root.FS(), tempDir)
	for _, f := range files {
		info, err := f.Info()
		if err == nil && time.Since(info.ModTime()) > leftoverAge {
			d.root.Remove(path.Join(tempDir, f.Name()))
		}
	}
}

// Get returns the entry under key. A file whose record is missing, unreadable
// or of another file is a miss.
func (d *Disk) Get(ctx context.Context, key string) (*Entry, error) {
	if err := checkKey(key); err != nil {
		return nil, &MissError{Key: key, Err: err}
	}
	var err error
	// Another goroutine may be between its two renames: look again.
	for range 3 {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var e *Entry
		if e, err = d.open(key); !errors.Is(err, errReplaced) {
			return e, err
		}
	}
	return nil, &MissError{Key: key, Err: err}
}

var errReplaced = errors.New("the file is not the one that was stored")

func (d *Disk) open(key string) (*Entry, error) {
	rec, err := d.readRecord(key)
	if err != nil {
		return nil, missOr(key, err)
	}
	file, err := d.root.Open(key)
	if err != nil {
		return nil, missOr(key, err)
	}
	info, err := file.Stat()
	if err == nil && !rec.describes(info) {
		err = errReplaced
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Entry{Meta: rec.meta(), Size: rec.Size, Body: file, Layer: "disk"}, nil
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

// Put stores content under key.
func (d *Disk) Put(ctx context.Context, key string, c Content) error {
	if err := checkKey(key); err != nil {
		return err
	}
	file, name, err := d.createTemp()
	if err != nil {
		return err
	}
	defer d.root.Remove(name) // of no effect once it is renamed
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, hash), contextReader{ctx, c.Body})
	if err == nil {
		digest := Digest(hash.Sum(nil))
		if err = c.check(n, digest); err == nil {
			c.Digest = digest
			err = d.publish(key, file, name, c.Meta)
		}
	}
	return errors.Join(err, file.Close())
}

// Move stores the content of spool. If the spool's file was made by NewSpool of
// this store, it becomes the entry's file; other content is copied.
func (d *Disk) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	if err := checkKey(key); err != nil {
		return err
	}
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	meta.Digest = digest
	moved, err := spool.moveFile(func(file *os.File) (bool, error) {
		dir, base := filepath.Split(file.Name())
		if filepath.Clean(dir) != d.tempPath() {
			return false, nil
		}
		return true, d.publish(key, file, path.Join(tempDir, base), meta)
	})
	if moved || err != nil {
		return err
	}
	r := spool.Reader(ctx)
	defer r.Close()
	return d.Put(ctx, key, Content{Meta: meta, Size: spool.Size(), Body: r})
}

// NewSpool returns a spool whose file Move can take over.
func (d *Disk) NewSpool(memory int64) *Spool { return NewSpool(memory, d.tempPath()) }

func (d *Disk) tempPath() string {
	return filepath.Join(d.root.Name(), filepath.FromSlash(tempDir))
}

// Delete removes the entry under key: first its record, without which the
// content counts for nothing.
func (d *Disk) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return nil
	}
	return errors.Join(d.remove(recordName(key)), d.remove(key))
}

func (d *Disk) remove(name string) error {
	err := d.root.Remove(name)
	// A directory that is not empty (fs.ErrExist) holds other entries.
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(missOr(name, err), fs.ErrNotExist) {
		return nil
	}
	return err
}

// publish gives a temporary file its name. The order matters: the content is on
// the disk before it has a name; the record, which makes it count, comes last.
func (d *Disk) publish(key string, file *os.File, temp string, meta Meta) error {
	if len(path.Base(recordName(key))) > maxName {
		return &fs.PathError{Op: "store", Path: key, Err: syscall.ENAMETOOLONG}
	}
	changed := stamp(time.Now(), meta.Digest)
	if err := d.root.Chtimes(temp, changed, changed); err != nil {
		return err
	}
	if !d.opts.NoSync {
		if err := file.Sync(); err != nil {
			return err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	record, err := d.writeRecord(newRecord(info, meta))
	if err != nil {
		return err
	}
	defer d.root.Remove(record)
	if err := d.rename(temp, key); err != nil {
		return err
	}
	return d.rename(record, recordName(key))
}

// stamp returns the time of change to give to content: a time of today, of which
// the digest says which. Together with the size it tells the content from any
// other, for which a file system's own clock is too coarse; and where the same
// content is stored twice at once, either record fits either file.
func stamp(now time.Time, d Digest) time.Time {
	const day = 24 * time.Hour
	ofDay := binary.BigEndian.Uint64(d[:8]) % uint64(day)
	return now.UTC().Truncate(day).Add(time.Duration(ofDay))
}

func (d *Disk) rename(from, to string) error {
	if err := d.root.MkdirAll(path.Dir(to), 0o777); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

func (d *Disk) createTemp() (*os.File, string, error) {
	name := path.Join(tempDir, "put-"+rand.Text())
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	file, err := d.root.OpenFile(name, flags, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody has emptied the directory, as go clean -modcache might.
		if err = d.root.MkdirAll(tempDir, 0o777); err == nil {
			file, err = d.root.OpenFile(name, flags, 0o666)
		}
	}
	return file, name, err
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
