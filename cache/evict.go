package cache

import "time"

// Retention says how an entry is to be treated when room is made.
type Retention uint8

const (
	Keep       Retention = iota // for as long as it is used
	Pin                         // for ever
	EvictFirst                  // it is the first to go, as what can change
)

// Bounds of what a disk store may take. Zero fields mean no bound.
type Bounds struct {
	// MaxBytes and MaxFiles bound the content and the number of entries. Content
	// that is larger than MaxBytes by itself is refused with ErrTooLarge, unless it
	// is pinned. When
	// one is exceeded, entries go until there is a tenth less than allowed, in
	// the background: for a moment there may be more. What the store keeps
	// beside an entry, some 300 bytes, is not counted, nor are damaged files that
	// are kept for a look, a sixteenth of MaxBytes at most.
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
		d.root().Chtimes(recordName(key), now, now) // of no great harm if it fails
	}
}

// An Eviction is what was removed to make room.
type Eviction struct {
	Entries int64 // how many were removed
	Bytes   int64 // of their content
	Err     error // why there is not as much room as there should be; nil if there is
}
