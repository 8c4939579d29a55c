package cache

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// A clearing is one walk through the store that counts what is there, and removes
// what is too old and, where there is too much, the worst.
type clearing struct {
	d       *Disk
	bounds  Bounds
	now     time.Time
	before  usage // what the account said, less what was evicted since
	surplus usage
	found   usage
	worst   candidates
	done    Eviction
	refused error // what the system lets nobody remove now
}

// makeRoom clears the store within b. What is stored or removed while the walk comes
// by may be counted twice, or not at all, until the next walk.
// more is whether another walk could find more to remove.
func (d *Disk) makeRoom(ctx context.Context, b Bounds) (done Eviction, more bool, err error) {
	generation, before := d.account.generation(), d.account.now()
	c := &clearing{d: d, bounds: b, now: time.Now(), before: before, surplus: before.surplus(b)}
	err = d.walk(ctx, func(key string, entry fs.DirEntry) error { return c.visit(ctx, key, entry) })
	if errors.Is(err, fs.ErrPermission) {
		c.refused = err // there is the rest
	} else if err != nil {
		return c.done, false, err
	}
	more = len(c.worst.all) == mostCandidates
	if c.found.exceeds(b, 1) { // one that is within its bounds is left alone
		c.evictWorst(ctx)
	}
	d.account.settle(generation, c.found.bytes-c.before.bytes, c.found.files-c.before.files)
	if c.found.exceeds(b, 1) && c.surplus != (usage{}) && !more {
		d.account.resign()
	}
	return c.done, more, c.refused
}

// visit counts an entry, removes it if it is too old, or notes it as one of the
// worst.
func (c *clearing) visit(ctx context.Context, key string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return nil // it is gone
	}
	content, err := c.d.root().Lstat(key)
	if err != nil || !content.Mode().IsRegular() {
		c.d.removeHalf(ctx, key, entry)
		return nil
	}
	retention := Keep
	if c.d.opts.Bounds.Retention != nil {
		retention = c.d.opts.Bounds.Retention(key)
	}
	unused := c.now.Sub(info.ModTime())
	if unused < -touchEvery { // by a clock that was wrong
		c.d.root().Chtimes(recordName(key), c.now, c.now)
	}
	one := newCandidate(key, content.Size(), unused, retention)
	one.used = info.ModTime()
	switch {
	case retention == Pin:
	case c.bounds.MaxAge > 0 && unused > c.bounds.MaxAge:
		err := c.evict(ctx, one)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrPermission) {
			return err
		}
		c.refused = err
	case c.surplus != usage{}:
		// Twice as many as have to go: how long the worst took to fetch, which their
		// records say, decides between them.
		c.worst.offer(one, usage{2 * c.surplus.bytes, 2 * c.surplus.files})
	}
	c.found.bytes += one.size
	c.found.files++
	return nil
}

// evictWorst removes the worst until there is enough room.
func (c *clearing) evictWorst(ctx context.Context) {
	for i := range c.worst.all {
		if ctx.Err() != nil {
			return
		}
		one := &c.worst.all[i]
		if rec, err := c.d.readRecord(one.key); err == nil {
			one.judge(rec.Took)
			if rec.used.Sub(one.used) > time.Second { // used, or replaced, since
				one.badness = 0
			}
		}
	}
	c.worst.all = slices.DeleteFunc(c.worst.all, func(one candidate) bool { return one.badness == 0 })
	slices.SortFunc(c.worst.all, func(a, b candidate) int { return cmp.Compare(b.badness, a.badness) })
	for _, one := range c.worst.all {
		if !c.found.exceeds(c.bounds, lowWater) || ctx.Err() != nil {
			return
		}
		if err := c.evict(ctx, one); err != nil {
			c.refused = err
			continue
		}
		c.found.bytes -= one.size
		c.found.files--
	}
}

// evict removes an entry. Who has it open reads on; on some systems it then may
// not be removed.
func (c *clearing) evict(ctx context.Context, one candidate) error {
	if err := c.d.Delete(ctx, one.key); err != nil {
		return err
	}
	c.before.bytes -= one.size // which Delete has taken off the account
	c.before.files--
	c.d.evicted.Add(1)
	c.done.Entries++
	c.done.Bytes += one.size
	return nil
}

// halfAge is how old a record without content is when nobody is about to give it
// any.
const halfAge = time.Hour

// removeHalf removes a record that has had no content, or none that it describes,
// for a while: a crash has left it, or somebody has changed the content. It reports
// whether it did.
func (d *Disk) removeHalf(ctx context.Context, key string, record fs.DirEntry) (removed bool) {
	info, err := record.Info()
	if err != nil || d.readOnly || time.Since(info.ModTime()) < halfAge {
		return false
	}
	done, err := d.beginChange(ctx, key)
	if err != nil {
		return false
	}
	defer done()
	file, _, _, err := d.openFile(key) // it may be whole by now
	switch {
	case err == nil:
		file.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errReplaced):
		return d.deleteInTurn(key) == nil // or the next walk tries again
	}
	return false
}
