package cache

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// An account is how much a disk store holds, as far as this process knows: what
// others do to the directory shows at the next walk.
type account struct {
	mu       sync.Mutex
	usage    usage
	resigned usage // to so much, most of which is pinned
	emptied  int   // how often
	walked   bool  // a walk through this directory has come to its end
}

func (a *account) add(bytes, files int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.usage.bytes += bytes
	a.usage.files += files
	a.resigned.bytes = min(a.resigned.bytes, a.usage.bytes)
	a.resigned.files = min(a.resigned.files, a.usage.files)
}

// settle adds what a walk has found out, unless that was another directory.
func (a *account) settle(emptied int, bytes, files int64) {
	if a.generation() == emptied {
		a.add(bytes, files)
		a.conclude(emptied)
	}
}

// conclude notes that a walk is over, unless that was another directory.
func (a *account) conclude(emptied int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.walked = a.walked || a.emptied == emptied
}

// known returns what there is, and whether a walk has counted what was there before.
func (a *account) known() (held usage, walked bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.usage, a.walked
}

func (a *account) generation() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.emptied
}

// resign notes that it is of no use to look for room again until there is more.
func (a *account) resign() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resigned = a.usage
}

// isWorthALook reports whether there is too much, and some of it is new.
func (a *account) isWorthALook(b Bounds) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	grown := usage{a.usage.bytes - a.resigned.bytes, a.usage.files - a.resigned.files}
	return a.usage.exceeds(b, 1) && grown.exceeds(b, 1-lowWater)
}

// empty is for a directory that was removed.
func (a *account) empty() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.usage, a.resigned, a.walked = usage{}, usage{}, false
	a.emptied++
}

func (a *account) now() usage {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.usage
}

// janitorEvery is how often the janitor looks around by itself.
const janitorEvery = time.Hour

// A janitor makes room in the background.
type janitor struct {
	kick   chan struct{} // has room for one
	cancel context.CancelFunc
	done   chan struct{}
}

// startJanitor begins with a walk if anything is bounded, so that what is there is
// known; until then the store is open already.
func (d *Disk) startJanitor() {
	ctx, cancel := context.WithCancel(context.Background())
	d.janitor = &janitor{kick: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(d.janitor.done)
		for {
			d.tidy(ctx)
			timer := time.NewTimer(janitorEvery)
			select {
			case <-d.janitor.kick:
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			timer.Stop()
		}
	}()
}

// tidy walks through the store, and again while that shows that there is too much,
// and helps: to choose what goes, it has to be known how much.
func (d *Disk) tidy(ctx context.Context) {
	bounds := d.opts.Bounds
	if d.full.Swap(false) && d.mayHelp() {
		if _, _, err := d.makeRoom(ctx, Bounds{}); ctx.Err() != nil || err != nil && !errors.Is(err, fs.ErrPermission) {
			return // it only counts
		}
		held := d.account.now()
		bounds.MaxBytes = held.bytes - 1 // as if there were one too many: a tenth goes
		bounds.MaxFiles = held.files - 1 // for it may be inodes that there are none of
	}
	for first := true; bounds.any(); first = false {
		done, more, err := d.makeRoom(ctx, bounds)
		if ctx.Err() != nil {
			return
		}
		if d.opts.OnEviction != nil && (done.Entries > 0 || err != nil) {
			done.Err = err
			d.opts.OnEviction(done)
		}
		if !d.account.now().exceeds(bounds, 1) || !first && !more {
			return
		}
	}
}

// grown accounts for an entry that was stored or removed.
func (d *Disk) grown(bytes, files int64) {
	if !d.opts.Bounds.any() {
		return
	}
	d.account.add(bytes, files)
	if (bytes > 0 || files > 0) && d.account.isWorthALook(d.opts.Bounds) {
		d.janitor.wake()
	}
}

// maxPurges is how often room is made on a full disk without anything being stored
// after it: it is not our files that fill it, or one file that will never fit, and
// what is here may be all there is in an outage.
const maxPurges = 3

// mayHelp reports whether it makes sense to have entries go for a full disk.
func (d *Disk) mayHelp() bool { return d.purges.Add(1) <= maxPurges }

// noticeFull has room made, bounds or not, when the disk is full: what was to be
// stored is lost, and fetched again, but what comes next has a place.
func (d *Disk) noticeFull(err error) error {
	if isFull(err) {
		d.full.Store(true)
		d.janitor.wake()
	}
	return err
}

func (j *janitor) wake() {
	select {
	case j.kick <- struct{}{}:
	default: // it has been told
	}
}

// heldAt returns what the file under key has to do with the account, in which only
// content with a record is.
func (d *Disk) heldAt(key string) (bytes, files int64) {
	if !d.opts.Bounds.any() {
		return 0, 0
	}
	if _, err := d.root().Lstat(recordName(key)); err != nil {
		return 0, 0
	}
	info, err := d.root().Lstat(key)
	if err != nil {
		return 0, 0
	}
	return d.heldBy(info)
}

func (d *Disk) heldBy(content fs.FileInfo) (bytes, files int64) {
	if !content.Mode().IsRegular() {
		return 0, 0
	}
	return content.Size(), 1
}

func (d *Disk) stopJanitor() {
	d.janitor.cancel()
	<-d.janitor.done
}
