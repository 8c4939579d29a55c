package cache

import (
	"context"
	"time"
)

// An entry is two files, which are changed one after the other. Who changes one
// keeps the others out meanwhile: in this process by a turn, and other processes by
// a lock.

const changeDir = ".breakwater/changes"

// changeWait is how long another process is waited for that is changing an entry.
// It takes no longer than a few renames, if it is not stopped. Without the lock,
// changes at the same time may leave a miss, and never a wrong byte.
const changeWait = time.Second

// beginChange waits until nobody else is changing the entry. The caller calls done.
func (d *Disk) beginChange(ctx context.Context, key string) (done func(), err error) {
	over, err := d.changing.take(ctx, key)
	if err != nil || d.readOnly || !locksWork {
		return over, err
	}
	waiting, stop := context.WithTimeout(ctx, changeWait)
	defer stop()
	unlock, err := d.lockIn(waiting, changeDir, key, 5*time.Millisecond)
	switch {
	case err == nil:
		return func() { unlock(); over() }, nil
	case ctx.Err() != nil:
		over()
		return nil, context.Cause(ctx)
	}
	return over, nil // where it cannot be had, as on a full disk, it goes without
}
