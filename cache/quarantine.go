package cache

import (
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

// maxKept is how large a damaged file may be to be kept, in bytes.
const maxKept = 4 << 20

var errTooLargeToKeep = errors.New("too large to be kept")

// A Corruption is an entry that was found damaged. It is not served, and the next
// one to ask for it finds a miss.
type Corruption struct {
	Key string
	Err error // what is wrong with it

	// File is where the damaged content is now; empty if it could not be moved,
	// and was removed. Only the latest 16 are kept.
	File string
}

// quarantine takes a damaged entry out of the way, unless somebody has replaced
// it meanwhile. A new entry that comes between is lost, which costs a refetch.
func (d *Disk) quarantine(key string, info fs.FileInfo, why error) {
	now, err := d.root.Stat(key)
	if err != nil || !os.SameFile(info, now) {
		return
	}
	d.corrupt.Add(1)
	if d.readOnly {
		return
	}
	what := Corruption{Key: key, Err: why}
	d.remove(recordName(key))
	name := path.Join(quarantineDir, time.Now().UTC().Format("20060102T150405.000000000")+"-"+rand.Text())
	err = errTooLargeToKeep
	if info.Size() <= maxKept {
		err = d.root.MkdirAll(quarantineDir, 0o777)
	}
	if err == nil {
		err = d.root.Rename(key, name)
	}
	if err == nil {
		what.File = filepath.Join(d.root.Name(), filepath.FromSlash(name))
	} else {
		d.remove(key)
	}
	d.grown(-info.Size(), -1)
	d.limitQuarantine()
	if d.opts.OnCorruption != nil {
		d.opts.OnCorruption(what)
	}
}

// limitQuarantine removes the oldest, whose names sort first.
func (d *Disk) limitQuarantine() {
	files, _ := fs.ReadDir(d.root.FS(), quarantineDir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-maxQuarantined)] {
		d.root.Remove(path.Join(quarantineDir, name))
	}
}

// isDamage reports whether err means that an entry is damaged.
func isDamage(err error) bool { return errors.Is(err, errDamaged) }
