package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
)

// A SpoolReader reads a [Spool] from its own offset. Like a file it may be
// read at any offset by many goroutines at once, but its Read and Seek belong
// to one.
type SpoolReader struct {
	spool  *Spool
	ctx    context.Context
	off    int64
	closed atomic.Bool
}

var _ Body = (*SpoolReader)(nil)

// Spool returns the spool that r reads.
func (r *SpoolReader) Spool() *Spool { return r.spool }

// Read reads at the current offset. It waits where more is to come.
func (r *SpoolReader) Read(p []byte) (int, error) {
	n, err := r.readSome(p, r.off)
	r.off += int64(n)
	return n, err
}

// ReadAt reads len(p) bytes at off, waiting for them where they are to come.
func (r *SpoolReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errOffset
	}
	read := 0
	for read < len(p) {
		n, err := r.readSome(p[read:], off+int64(read))
		read += n
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

var errOffset = errors.New("negative offset")

// readSome reads at least one byte unless it returns an error.
func (r *SpoolReader) readSome(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if r.closed.Load() {
			return 0, fs.ErrClosed
		}
		mem, file, n, wait, err := r.spool.at(off)
		switch {
		case err != nil:
			return 0, err
		case mem != nil:
			return copy(p, mem), nil
		case file != nil:
			read, err := file.ReadAt(p[:min(n, int64(len(p)))], off)
			if read > 0 {
				err = nil
			}
			return read, err
		}
		if err := r.await(wait); err != nil {
			return 0, err
		}
	}
}

func (r *SpoolReader) await(grown <-chan struct{}) error {
	select {
	case <-grown:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// Seek sets the offset of the next Read. Seeking from the end waits until the
// content is complete; the error is then ctx's or why it never will be.
func (r *SpoolReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		size, err := r.finalSize()
		if err != nil {
			return 0, err
		}
		offset += size
	default:
		return 0, errors.New("invalid whence")
	}
	if offset < 0 {
		return 0, errOffset
	}
	r.off = offset
	return offset, nil
}

func (r *SpoolReader) finalSize() (int64, error) {
	for {
		size, wait, err := r.spool.final()
		if wait == nil {
			return size, err
		}
		if err := r.await(wait); err != nil {
			return 0, err
		}
	}
}

// final returns the size and outcome of a spool that has ended, or what to wait
// for until it has.
func (s *Spool) final() (size int64, wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done {
		return 0, s.next(), nil
	}
	return s.size, nil, s.err
}

// Close gives up the reader's hold on the spool. The error is always nil; closing
// again does nothing.
func (r *SpoolReader) Close() error {
	if !r.closed.Swap(true) {
		r.spool.release()
	}
	return nil
}
