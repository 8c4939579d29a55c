package cache

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Retention says how an entry is to be treated when room is made.
type Retention uint8

const (
	Keep       Retention = iota // for as long as it is used
	Pin                         // for ever
	EvictFirst                  // it is the first to go, as what can change
)

// Bounds of what a disk store may take. Zero fields mean no bound.
type Bounds struct {
	// MaxBytes and MaxFiles bound the content and the number of entries. When
	// one is exceeded, entries go until there is a tenth less than allowed, in
	// the background: for a moment there may be more. What the store keeps
	// beside an entry, some 300 bytes, is not counted.
	MaxBytes int64
	MaxFiles int64

	// MaxAge is how long an entry is kept that nobody asks for, give or take an
	// hour.
	MaxAge time.Duration

	// Retention is asked about each entry when room is made. Default: Keep.
	Retention func(key string) Retention
}

func (b Bounds) any() bool { return b.MaxBytes > 0 || b.MaxFiles > 0 || b.MaxAge > 0 }

// lowWater is the part of a bound that is left when room has been made.
const lowWater = 0.9

// touchEvery is how old the note of an entry's last use may be: a write per read
// would be too much, and the order of what was used in the last hour is not worth
// it (as in the go command's build cache, cmd/go/internal/cache).
const touchEvery = time.Hour

// touch notes that an entry is used, in the time of change of its record.
func (d *Disk) touch(key string, used time.Time) {
	if now := time.Now(); !d.readOnly && now.Sub(used).Abs() > touchEvery {
		d.root.Chtimes(recordName(key), now, now) // of no great harm if it fails
	}
}

// An Eviction is what was removed to make room.
type Eviction struct {
	Entries int64
	Bytes   int64
	Err     error // why there is not as much room as there should be; nil if there is
}

// usage is how much there is.
type usage struct{ bytes, files int64 }

func (u usage) exceeds(b Bounds, part float64) bool {
	return b.MaxBytes > 0 && float64(u.bytes) > part*float64(b.MaxBytes) ||
		b.MaxFiles > 0 && float64(u.files) > part*float64(b.MaxFiles)
}

// A candidate may be evicted.
type candidate struct {
	key     string
	size    int64
	badness float64
}

// badness says how little is lost with an entry: the longer it has not been used,
// and the more bytes it frees for each second that it would take to fetch it
// again (GreedyDual-Size: Cao and Irani, 1997). What can change goes before all
// else.
func badness(size int64, unused time.Duration, r Retention) float64 {
	const (
		roundTrip = 0.1     // seconds
		rate      = 5 << 20 // bytes per second
	)
	refetch := roundTrip + float64(size)/rate
	b := max(1, unused.Seconds()) * (float64(size) + 1) / refetch
	if r == EvictFirst {
		b *= 1e9
	}
	return b
}

// candidates is a heap, the least bad at the top, of the worst entries that are
// enough to free what has to be freed.
type candidates struct {
	all          []candidate
	bytes, files int64 // what they free
}

func (c *candidates) Len() int           { return len(c.all) }
func (c *candidates) Less(i, j int) bool { return c.all[i].badness < c.all[j].badness }
func (c *candidates) Swap(i, j int)      { c.all[i], c.all[j] = c.all[j], c.all[i] }
func (c *candidates) Push(x any)         { c.all = append(c.all, x.(candidate)) }
func (c *candidates) Pop() any {
	last := c.all[len(c.all)-1]
	c.all = c.all[:len(c.all)-1]
	return last
}

// offer takes a candidate in, and lets go of those that are not needed.
func (c *candidates) offer(x candidate, bytes, files int64) {
	heap.Push(c, x)
	c.bytes += x.size
	c.files++
	for len(c.all) > 0 && c.bytes-c.all[0].size >= bytes && c.files-1 >= files {
		spared := heap.Pop(c).(candidate)
		c.bytes -= spared.size
		c.files--
	}
}

// makeRoom walks through the store, counts what is there, and removes what is
// too old and, where there is too much, the worst.
func (d *Disk) makeRoom(ctx context.Context, b Bounds) (Eviction, error) {
	now := time.Now()
	before := d.account.now()
	surplusBytes := surplus(before.bytes, b.MaxBytes)
	surplusFiles := surplus(before.files, b.MaxFiles)
	var found usage
	var worst candidates
	var done Eviction
	var refused error // what the system lets nobody remove now
	err := d.walk(ctx, func(key string, entry fs.DirEntry) error {
		c, unused, ok := d.judge(key, entry, now)
		if !ok {
			return nil
		}
		switch {
		case c.badness == 0: // pinned
		case b.MaxAge > 0 && unused > b.MaxAge:
			err := d.evict(c, &done)
			if err == nil {
				before.bytes -= c.size
				before.files--
				return nil
			}
			if !errors.Is(err, fs.ErrPermission) {
				return err
			}
			refused = err
		case surplusBytes > 0 || surplusFiles > 0:
			worst.offer(c, surplusBytes, surplusFiles)
		}
		found.bytes += c.size
		found.files++
		return nil
	})
	if err != nil {
		return done, err
	}
	// One that is within its bounds is left alone.
	if !found.exceeds(b, 1) {
		worst.all = nil
	}
	slices.SortFunc(worst.all, func(a, b candidate) int { return cmp.Compare(b.badness, a.badness) })
	for _, c := range worst.all {
		if !found.exceeds(b, lowWater) {
			break
		}
		if err := d.evict(c, &done); err != nil {
			refused = err
			continue
		}
		found.bytes -= c.size
		found.files--
		before.bytes -= c.size // which Delete has taken off the account
		before.files--
	}
	d.account.add(found.bytes-before.bytes, found.files-before.files)
	return done, refused
}

// surplus returns how much has to go, with a little more, for the count is not
// exact before the walk.
func surplus(have, most int64) int64 {
	if most <= 0 {
		return 0
	}
	return max(0, have-int64(lowWater*float64(most))+most/50)
}

// judge looks at one entry. One that is pinned has no badness.
func (d *Disk) judge(key string, entry fs.DirEntry, now time.Time) (c candidate, unused time.Duration, ok bool) {
	info, err := entry.Info()
	if err != nil {
		return candidate{}, 0, false
	}
	content, err := d.root.Lstat(key)
	if err != nil || !content.Mode().IsRegular() {
		return candidate{}, 0, false
	}
	retention := Keep
	if d.opts.Bounds.Retention != nil {
		retention = d.opts.Bounds.Retention(key)
	}
	unused = max(0, now.Sub(info.ModTime()))
	c = candidate{key: key, size: content.Size()}
	if retention != Pin {
		c.badness = badness(c.size, unused, retention)
	}
	return c, unused, true
}

// evict removes an entry. Who has it open reads on; on some systems it then may
// not be removed.
func (d *Disk) evict(c candidate, done *Eviction) error {
	if err := d.Delete(context.Background(), c.key); err != nil {
		return err
	}
	d.evicted.Add(1)
	done.Entries++
	done.Bytes += c.size
	return nil
}
