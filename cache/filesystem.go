package cache

import (
	"context"
	"errors"
	"math"
)

// FileSystem is how much room there is below a store.
type FileSystem struct {
	// Dir is the directory of the store, as in [Usage].
	Dir string

	// Total is the size in bytes, Free what of that an ordinary user may still use,
	// which is less than what is unused where some is kept for the administrator.
	Total, Free int64
}

// A Mounted is a Store that is, or whose layers are, in file systems.
type Mounted interface {
	Store

	// FileSystems returns the file system of each layer that is in one, in the order
	// in which they are asked. The error joins why others are missing; it satisfies
	// errors.Is(err, errors.ErrUnsupported) where the operating system is not asked.
	FileSystems(ctx context.Context) ([]FileSystem, error)
}

// FileSystemsOf returns how much room there is below each layer of s that is in a
// file system, and why it is not known of others; a store in memory has none. Two
// layers may be in the same one.
//
// It makes a system call for each, with no lock held, which no context ends: it may
// hang where the directory is on a network file system that does. Behind [Gate] it is
// not waited for longer than a Get, and not made while the store is left alone, which
// is [ErrGated].
func FileSystemsOf(ctx context.Context, s Store) ([]FileSystem, error) {
	if m, ok := s.(Mounted); ok {
		return m.FileSystems(ctx)
	}
	return nil, nil
}

// FileSystem returns how much room there is below the store. It is a system call, with
// no lock held. If the directory was removed, the error satisfies errors.Is(err,
// fs.ErrNotExist) until something is stored again; on systems other than Linux, macOS,
// FreeBSD and DragonFly it satisfies errors.Is(err, errors.ErrUnsupported).
func (d *Disk) FileSystem() (FileSystem, error) {
	dir := d.Dir()
	total, free, err := statFileSystem(dir)
	if err != nil {
		return FileSystem{}, err
	}
	return FileSystem{Dir: dir, Total: total, Free: free}, nil
}

// FileSystems is the method of [Mounted].
func (d *Disk) FileSystems(ctx context.Context) ([]FileSystem, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	below, err := d.FileSystem()
	if err != nil {
		return nil, err
	}
	return []FileSystem{below}, nil
}

// FileSystems is the method of [Mounted].
func (r *readOnly) FileSystems(ctx context.Context) ([]FileSystem, error) {
	return r.d.FileSystems(ctx)
}

// FileSystems is the method of [Mounted].
func (w *writeBack) FileSystems(ctx context.Context) ([]FileSystem, error) {
	return FileSystemsOf(ctx, w.store)
}

// FileSystems is the method of [Mounted].
func (l *layered) FileSystems(ctx context.Context) ([]FileSystem, error) {
	fast, fastErr := FileSystemsOf(ctx, l.fast)
	slow, slowErr := FileSystemsOf(ctx, l.slow)
	return append(fast, slow...), errors.Join(fastErr, slowErr)
}

type surveyed struct {
	below []FileSystem
	err   error
}

// FileSystems is the method of [Mounted]. That there is an answer says nothing of how
// the store is, so it is not the call that tries after a pause; that there is none in
// time counts as for a Get.
func (g *gate) FileSystems(ctx context.Context) ([]FileSystem, error) {
	if _, ok := g.store.(Mounted); !ok {
		return nil, nil
	}
	if !g.isWell() {
		return nil, ErrGated
	}
	waits, cancel := bound(ctx, g.opts.Slow, errSlow)
	defer cancel()
	if err := g.reserve(ctx, waits, g.gets); err != nil {
		return nil, err
	}
	c := newCall(func(surveyed) {})
	go c.run(g, g.gets, func() surveyed {
		below, err := FileSystemsOf(ctx, g.store)
		return surveyed{below, err}
	})
	select {
	case a := <-c.answer:
		return a.below, a.err
	case <-waits.Done():
	}
	if ctx.Err() != nil {
		c.abandon(g.hangs(g.opts.Slow))
		return nil, context.Cause(ctx)
	}
	g.learn(true)
	c.abandon(nil)
	return nil, errSlow
}

// bytesIn returns how many bytes so many blocks are. A file system without an end,
// such as one on an object store, may say more than there are numbers for.
func bytesIn(blocks, size uint64) int64 {
	if size > 0 && blocks > math.MaxInt64/size {
		return math.MaxInt64
	}
	return int64(blocks * size)
}
