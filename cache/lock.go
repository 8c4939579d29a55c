package cache

import (
	"context"
	"os"
	"time"
)

const lockFile = ".breakwater/lock"

// lock waits for the store's lock and returns its unlock. The wait polls, since
// the system's own wait would not end with ctx; the lock is held for the time of
// one small write.
func (d *Disk) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case d.locked <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	file, err := d.lockAcrossProcesses(ctx)
	if err != nil {
		<-d.locked
		return nil, err
	}
	return func() {
		file.Close() // which unlocks it
		<-d.locked
	}, nil
}

func (d *Disk) lockAcrossProcesses(ctx context.Context) (*os.File, error) {
	file, err := d.openLock(ctx, lockFile)
	if err != nil {
		return nil, err
	}
	for {
		ok, err := tryLock(file)
		if ok {
			return file, nil
		}
		if err == nil {
			err = pause(ctx, 5*time.Millisecond)
		}
		if err != nil {
			file.Close()
			return nil, err
		}
	}
}

func (d *Disk) openLock(ctx context.Context, name string) (file *os.File, err error) {
	err = d.inPlace(ctx, func(p *place) error {
		file, err = p.openOwn(name, 0)
		return err
	})
	return file, err
}

func pause(ctx context.Context, d time.Duration) error { return pauseUntil(ctx, nil, d) }

// pauseUntil pauses for no longer than d, and not after over is closed.
func pauseUntil(ctx context.Context, over <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-over:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
