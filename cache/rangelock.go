package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// To make a file for each lock, and remove it, costs more than what the lock is held
// for. Where the system can lock single bytes for an open file, a lock is a byte of
// one file that stays, and costs a system call.

const rangeFile = ".breakwater/ranges"

// probedByte is beyond the bytes of all keys, so that whether it can be locked says
// something of them.
const probedByte = 1 << 62

// ranges are the locks of the processes that have one file open. Its bytes have
// locks, and need not exist.
type ranges struct {
	file  *os.File
	name  string      // of the file, absolute
	info  fs.FileInfo // of the file, whose number is not given to another while it is open
	turns turns       // within the process, in which all have the same open file

	mu      sync.Mutex
	users   int  // the place, until it gives the file up, and each lock that is held
	givenUp bool // nobody joins any more
}

// openRanges opens the file of a place, and makes it if it does not exist. It returns
// nil where bytes cannot be locked, by which the processes on one system agree; and
// where the file is another user's, who does not let us.
func openRanges(root *os.Root) (*ranges, error) {
	if !rangesWork {
		return nil, nil
	}
	file, err := root.OpenFile(rangeFile, os.O_RDWR|os.O_CREATE, 0o666)
	if errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	if probe(file) != nil {
		file.Close()
		return nil, nil // file systems say in several ways that they cannot
	}
	name := filepath.Join(root.Name(), filepath.FromSlash(rangeFile))
	return &ranges{file: file, name: name, info: info, users: 1}, nil
}

func probe(file *os.File) error {
	ok, err := lockByte(file, probedByte)
	if ok {
		return unlockByte(file, probedByte)
	}
	return err // none where another process is just probing
}

// byteOf returns the byte that is the lock of a name. Two names may share one, as is
// to be expected among some billions, and then wait for each other.
func byteOf(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:]) >> 2)
}

// try takes the lock of a byte if nobody has it. If somebody in this process has,
// other is closed when that is over. A file that was given up has
// fs.ErrClosed.
func (r *ranges) try(at int64) (unlock func(), other chan struct{}, err error) {
	if !r.join() {
		return nil, nil, fs.ErrClosed
	}
	turn, mine := strconv.FormatInt(at, 36), make(chan struct{})
	if other := r.turns.tryTake(turn, mine); other != nil {
		return nil, other, r.leave()
	}
	ok, err := lockByte(r.file, at)
	if ok {
		return sync.OnceFunc(func() { // twice would end another's
			unlockByte(r.file, at) // before others here may lock it
			r.turns.end(turn, mine)
			r.leave()
		}), nil, nil
	}
	r.turns.end(turn, mine)
	return nil, nil, errors.Join(err, r.leave())
}

// isCurrent reports whether the file is the one that has the name, which is where
// others will look for it.
func (r *ranges) isCurrent() bool {
	now, err := os.Stat(r.name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	return os.SameFile(now, r.info)
}

func (r *ranges) join() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.givenUp {
		return false
	}
	r.users++
	return true
}

// giveUp leaves the file to those who still hold locks.
func (r *ranges) giveUp() error {
	r.mu.Lock()
	r.givenUp = true
	r.mu.Unlock()
	return r.leave()
}

// leave closes the file after the last.
func (r *ranges) leave() error {
	r.mu.Lock()
	r.users--
	last := r.users == 0
	r.mu.Unlock()
	if !last {
		return nil
	}
	return r.file.Close()
}

// lockRange locks the byte for a name. It looks again after longer and longer waits,
// up to longest, since the system's own wait would not end with ctx. It returns nil
// if the store has come to a place where bytes cannot be locked.
func (d *Disk) lockRange(ctx context.Context, name string, longest time.Duration) (unlock func(), err error) {
	at := byteOf(name)
	for wait := longest / 50; ; wait = min(2*wait, longest) {
		r := d.place.Load().ranges.Load()
		if r == nil {
			return nil, nil
		}
		unlock, other, err := r.try(at)
		if err != nil && (d.closed.Load() || !errors.Is(err, fs.ErrClosed)) {
			return nil, err
		}
		if !r.isCurrent() {
			if unlock != nil {
				unlock()
			}
			unlock, other = nil, nil
			if err := d.renewRanges(ctx, r); err != nil {
				return nil, err
			}
		}
		if unlock != nil {
			return unlock, nil
		}
		if err := pauseUntil(ctx, other, wait); err != nil {
			return nil, err
		}
	}
}

// renewRanges opens the file anew, unless somebody has already done so since gone was
// removed: alone, or with the directory that it was in.
func (d *Disk) renewRanges(ctx context.Context, gone *ranges) error {
	return d.inPlace(ctx, func(p *place) error {
		done, err := d.changing.take(ctx, "") // as renew does
		if err != nil {
			return err
		}
		defer done()
		if d.closed.Load() {
			return fs.ErrClosed
		}
		if d.place.Load() != p || p.ranges.Load() != gone {
			return nil
		}
		next, err := openRanges(p.root)
		if err != nil {
			return err
		}
		p.ranges.Store(next)
		return gone.giveUp()
	})
}
