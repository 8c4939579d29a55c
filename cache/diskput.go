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

// Put stores content under key.
func (d *Disk) Put(ctx context.Context, key string, c Content) error {
	if err := d.mayHold(key, c.Size); err != nil {
		return err
	}
	file, name, err := d.createTemp(ctx)
	if err != nil {
		return d.noticeFull(err)
	}
	defer d.root().Remove(name) // of no effect once it is renamed
	hash := sha256.New()
	body := io.LimitReader(contextReader{ctx, c.Body}, c.Size+1) // one more shows that there is too much
	n, err := io.Copy(io.MultiWriter(file, hash), body)
	if err == nil {
		digest := Digest(hash.Sum(nil))
		if err = c.check(n, digest); err == nil {
			c.Digest = digest
			err = d.publish(ctx, key, file, name, c.Meta)
		}
	}
	return d.noticeFull(errors.Join(err, file.Close()))
}

// mayHold refuses a key that is none, and content that is larger than all of the
// store may be, unless it is pinned: it would be the next to go.
func (d *Disk) mayHold(key string, size int64) error {
	b := d.opts.Bounds
	tooLarge := b.MaxBytes > 0 && size > b.MaxBytes
	if tooLarge && (b.Retention == nil || b.Retention(key) != Pin) {
		return fmt.Errorf("%s is %d bytes, more than the %d of Bounds.MaxBytes: %w", key, size, b.MaxBytes, ErrTooLarge)
	}
	return CheckKey(key)
}

// Move stores the content of spool. If the spool's file was made by NewSpool of
// this store, it becomes the entry's file; other content is copied.
func (d *Disk) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	if err := d.mayHold(key, spool.Size()); err != nil {
		return err
	}
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	meta.Digest = digest
	d.follow(ctx)
	moved, err := spool.moveFile(func(file *os.File) (bool, error) {
		temp := path.Join(tempDir, filepath.Base(file.Name()))
		if !d.isAt(temp, file) {
			return false, nil // made elsewhere, or removed, and still open
		}
		return true, d.publish(ctx, key, file, temp, meta)
	})
	if moved || err != nil {
		return d.noticeFull(err)
	}
	r := spool.Reader(ctx)
	defer r.Close()
	return d.Put(ctx, key, Content{Meta: meta, Size: spool.Size(), Body: r})
}

// NewSpool returns a spool whose file Move can take over.
func (d *Disk) NewSpool(memory int64) *Spool {
	d.follow(context.Background())
	s := NewSpool(memory, d.tempPath())
	s.owner = d.owner().name
	return s
}

func (d *Disk) tempPath() string {
	return filepath.Join(d.root().Name(), filepath.FromSlash(tempDir))
}

// publish gives a temporary file its name, in the order that durable.go tells.
func (d *Disk) publish(ctx context.Context, key string, file *os.File, temp string, meta Meta) error {
	if len(path.Base(recordName(key))) > maxName {
		return &fs.PathError{Op: "store", Path: key, Err: syscall.ENAMETOOLONG}
	}
	changed := stamp(time.Now(), meta.Digest)
	if err := d.root().Chtimes(temp, changed, changed); err != nil {
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
	if err := d.putInPlace(ctx, key, temp, info, meta); err != nil {
		return err
	}
	return errors.Join(d.syncDir(path.Dir(key)), d.syncDir(path.Dir(recordName(key))))
}

// putInPlace gives content and record their names. If the second cannot have it,
// there is no entry, rather than half of one.
func (d *Disk) putInPlace(ctx context.Context, key, temp string, info fs.FileInfo, meta Meta) error {
	record, err := d.writeRecord(ctx, newRecord(info, meta))
	if err != nil {
		return err
	}
	defer d.root().Remove(record)
	done, err := d.beginChange(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	// Both directories first: who cannot have both names keeps what there was.
	for _, name := range []string{key, recordName(key)} {
		if err := d.makeDirs(path.Dir(name)); err != nil {
			return err
		}
	}
	oldBytes, oldFiles := d.heldAt(key)
	if err := d.rename(record, recordName(key)); err != nil {
		return err
	}
	if err := d.rename(temp, key); err != nil {
		if d.removeEntry(key) == nil {
			d.grown(-oldBytes, -oldFiles)
		}
		return err
	}
	// Where processes cannot lock each other out, another one may have deleted the
	// entry, and the new record with it.
	if _, err := d.root().Lstat(recordName(key)); errors.Is(err, fs.ErrNotExist) {
		d.grown(-oldBytes, -oldFiles)
		return d.remove(key)
	}
	d.purges.Store(0)
	d.grown(info.Size()-oldBytes, 1-oldFiles)
	d.witness.whole.add(key, fingerprintOf(info))
	return nil
}

// stamp returns the time of change to give to content: a time of yesterday, of which
// the digest says which (one of today may be still to come, of which tar warns). Together with the size it tells the content from any
// other, for which a file system's own clock is too coarse; and where the same
// content is stored twice at once, either record fits either file.
func stamp(now time.Time, d Digest) time.Time {
	const day = 24 * time.Hour
	ofDay := binary.BigEndian.Uint64(d[:8]) % uint64(day)
	return now.UTC().Truncate(day).Add(time.Duration(ofDay) - day)
}

// rename makes the directory for a name and renames a file to it. Somebody may
// remove the directory in between, because it is empty, and again.
func (d *Disk) rename(from, to string) error {
	var err error
	for range 20 {
		if err = d.makeDirs(path.Dir(to)); err != nil {
			return err
		}
		if err = d.root().Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

func (d *Disk) createTemp(ctx context.Context) (file *os.File, name string, err error) {
	err = d.inPlace(ctx, func(p *place) error {
		name = path.Join(tempDir, "put-"+p.owner.name+"-"+rand.Text())
		file, err = p.openOwn(name, os.O_EXCL)
		return err
	})
	return file, name, err
}
