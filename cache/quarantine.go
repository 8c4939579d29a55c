package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// quarantineDir keeps the latest damaged files for somebody to look at.
const quarantineDir = ".breakwater/quarantine"

// maxQuarantined is how many are kept.
const maxQuarantined = 16

// maxKept is how large a damaged file may be to be kept, in bytes. Where the store
// is bounded, the quarantine, which the bound does not count, is a sixteenth at
// most.
const maxKept = 4 << 20

func (d *Disk) isKept(size int64) bool {
	bound := d.opts.Bounds.MaxBytes
	return size <= maxKept && (bound <= 0 || size <= bound/16/maxQuarantined)
}

// A Corruption is an entry that was found damaged. It is not served, and the next
// one to ask for it finds a miss.
type Corruption struct {
	Key string // of the entry
	Err error  // what is wrong with it

	// File is where the damaged content is now; empty if it was too large to be
	// kept, and was removed, or may not be touched. Only the latest 16 are kept.
	File string
}

// quarantine takes a damaged entry out of the way, unless somebody has replaced
// it meanwhile. A new entry of another process that comes between is lost, which
// costs a refetch.
func (d *Disk) quarantine(ctx context.Context, key string, info fs.FileInfo, why error) {
	file, taken := d.takeAway(ctx, key, info)
	if !taken || errors.Is(why, errKnown) {
		return
	}
	d.corrupt.Add(1)
	if d.readOnly {
		return
	}
	d.limitQuarantine()
	if d.opts.OnCorruption != nil {
		d.opts.OnCorruption(Corruption{Key: key, Err: why, File: file})
	}
}

// takeAway moves the file under key into the quarantine, or removes it, if it is
// still the one with that info, and returns where it is now. One that may not be
// touched is remembered, so that it is not read again.
func (d *Disk) takeAway(ctx context.Context, key string, info fs.FileInfo) (file string, taken bool) {
	done, err := d.beginChange(ctx, key)
	if err != nil {
		return "", false
	}
	defer done()
	now, err := d.root().Stat(key)
	if err != nil || !os.SameFile(info, now) {
		return "", false
	}
	if d.readOnly {
		d.witness.damaged.add(key, fingerprintOf(info))
		return "", true
	}
	if d.isKept(info.Size()) {
		file, _ = d.putAside(key)
	}
	bytes, files := d.heldBy(info)
	if d.removeEntry(key) != nil {
		d.witness.damaged.add(key, fingerprintOf(info))
		return file, true
	}
	d.grown(-bytes, -files)
	return file, true
}

func (d *Disk) putAside(key string) (file string, err error) {
	name := path.Join(quarantineDir, time.Now().UTC().Format("20060102T150405.000000000")+"-"+rand.Text())
	if err := d.root().MkdirAll(quarantineDir, 0o777); err != nil {
		return "", err
	}
	if err := d.root().Rename(key, name); err != nil {
		return "", err
	}
	return filepath.Join(d.root().Name(), filepath.FromSlash(name)), nil
}

// limitQuarantine removes the oldest, whose names sort first.
func (d *Disk) limitQuarantine() {
	files, _ := fs.ReadDir(d.root().FS(), quarantineDir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-maxQuarantined)] {
		d.root().Remove(path.Join(quarantineDir, name))
	}
}

// isDamage reports whether err means that an entry is damaged.
func isDamage(err error) bool { return errors.Is(err, errDamaged) }
