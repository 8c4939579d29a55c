package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrUnfinished is the error of asking for what only a finished spool has, and
// of readers whose spool was closed before it was finished.
var ErrUnfinished = errors.New("the download was not finished")

// A Spool takes in a download: in memory while it is small, then in a temporary
// file. Each byte is hashed as it is written. One goroutine writes; any number
// may read what has been written so far and follow as it grows.
//
// The owner calls Close when it needs the spool no longer. The memory and the
// file stay until the last reader is closed too; then the file is removed,
// unless a store has taken it over. A file that a process leaves when it is killed is
// removed by the store that it is beside ([OpenDisk]); one in the directory for
// temporary files by the next spool that makes one there, if it is among the first 4096
// names in it and the system has locks (flock) to tell by: on others, such as Windows,
// it stays.
type Spool struct {
	dirs   []string // where to make the file: the first that works
	owner  string   // to name in the file's name
	memory int64
	hash   hash.Hash

	mu        sync.Mutex
	buf       []byte   // the content while file is nil
	file      *os.File // the content once it is larger than memory
	size      int64
	digest    Digest
	done      bool     // no more will be written
	err       error    // why it ended early
	refs      int      // the owner and the readers
	closed    bool     // by the owner
	moved     bool     // the file is a store's now
	relocated bool     // by the writer: there is no other place to go to
	abandoned *os.File // where the content was before

	grown chan struct{} // closed at the next change; nil if nobody waits
}

// NewSpool returns a spool that keeps up to memory bytes in memory and beyond
// that uses a file in one of dirs: the first in which a file can be made, and
// if there is none the directory for temporary files. With a memory of 0 or less
// everything is in a file. The file is made when it is needed, so that what is wrong
// with the directories is an error of Write.
func NewSpool(memory int64, dirs ...string) *Spool {
	return &Spool{
		dirs:   dirs,
		memory: memory,
		hash:   sha256.New(),
		refs:   1,
	}
}

// Write appends p. Its error is that of the file, such as a full disk, or says that
// the spool is finished. After an error, the spool should be closed.
func (s *Spool) Write(p []byte) (int, error) {
	if s.isDone() {
		return 0, errors.New("write to a finished spool")
	}
	if s.file == nil && s.size+int64(len(p)) > s.memory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	n := len(p)
	var err error
	if s.file != nil {
		n, err = s.writeFile(p)
	}
	s.hash.Write(p[:n])

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		s.buf = append(s.buf, p...)
	}
	s.size += int64(n)
	s.wake()
	return n, err
}

// writeFile appends p to the file. A disk that is full there need not be full
// elsewhere: then the content goes on in the directory for temporary files.
func (s *Spool) writeFile(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if err == nil || s.relocated {
		return n, err
	}
	if s.relocate() != nil {
		return n, err // the first error says more
	}
	more, err := s.file.Write(p[n:])
	return n + more, err
}

// relocate copies the content to a file in the directory for temporary files.
// Readers that have the old file in hand are done with it when they look again;
// it stays open for them until the spool is gone.
func (s *Spool) relocate() error {
	s.relocated = true
	file, err := createTempSpool()
	if err != nil {
		return err
	}
	end, err := s.file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = io.Copy(file, io.NewSectionReader(s.file, 0, end))
	}
	if err != nil {
		file.Close()
		os.Remove(file.Name())
		return err
	}
	os.Remove(s.file.Name())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned, s.file = s.file, file
	return nil
}

// spill moves the content from memory to a file. The reads of fields that only
// the writer changes need no lock.
func (s *Spool) spill() error {
	file, err := createIn(s.dirs, s.owner)
	if err != nil {
		return err
	}
	if _, err := file.Write(s.buf); err != nil {
		file.Close()
		os.Remove(file.Name())
		if s.relocated {
			return err
		}
		s.relocated, s.dirs = true, nil // as in writeFile
		return s.spill()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file, s.buf = file, nil
	return nil
}

// createIn makes a file in the first of dirs that lets it. A file there will be
// a store's and gets the permissions of one; elsewhere it is private.
func createIn(dirs []string, owner string) (*os.File, error) {
	for _, dir := range dirs {
		name := filepath.Join(dir, "spool-"+owner+"-"+rand.Text())
		if file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666); err == nil {
			return file, nil
		}
	}
	return createTempSpool()
}

// Grow tells the spool how large the download will be, so that content that
// would not stay in memory goes to the file at once and memory is taken in one
// piece. It is a hint: a negative size means that nobody knows.
func (s *Spool) Grow(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size == 0 && size > s.memory {
		s.memory = -1
	} else if size > 0 && s.file == nil && size <= s.memory {
		s.buf = append(make([]byte, 0, size), s.buf...)
	}
}

// Finish says that the content is complete. Its error is why it never will be: that
// of Fail, or [ErrUnfinished] after Close. Finishing again does nothing.
func (s *Spool) Finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrUnfinished
	}
	if !s.done {
		s.done = true
		s.hash.Sum(s.digest[:0])
		s.wake()
	}
	return s.err
}

// Fail says that the content will never be complete. Readers get err when they
// have read what there is; nil stands for [ErrUnfinished]. On a spool that is finished,
// or has failed, it does nothing.
func (s *Spool) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail(err)
}

func (s *Spool) fail(err error) {
	if !s.done {
		s.done, s.err = true, cmp.Or(err, ErrUnfinished)
		s.wake()
	}
}

// wake lets those who wait look again; mu is held.
func (s *Spool) wake() {
	if s.grown != nil {
		close(s.grown)
		s.grown = nil
	}
}

// next returns the channel that is closed at the next change; mu is held.
func (s *Spool) next() <-chan struct{} {
	if s.grown == nil {
		s.grown = make(chan struct{})
	}
	return s.grown
}

// Size returns how many bytes have been written so far.
func (s *Spool) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Digest returns the SHA-256 of the content. If the spool is not finished, the error
// is [ErrUnfinished] or why it failed.
func (s *Spool) Digest() (Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.digest, s.complete()
}

// complete returns why the content is not complete, or nil; mu is held.
func (s *Spool) complete() error {
	if !s.done {
		return ErrUnfinished
	}
	return s.err
}

func (s *Spool) isDone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// FileName returns the path of a file that holds the content of a finished
// spool, for readers that want a file's name. Content that is still in memory
// is written out. The path is valid until a store takes the file over or the
// spool is gone. It must not be called at the same time as Move or Close, or by
// two goroutines at once. The error is that of Digest, or of writing the file.
func (s *Spool) FileName() (string, error) {
	if _, err := s.Digest(); err != nil {
		return "", err
	}
	if s.file == nil {
		if err := s.spill(); err != nil {
			return "", err
		}
	}
	return s.file.Name(), nil
}

// Reader returns a new reader at the content's start. Where it has read all
// that was written and more is to come, it waits until ctx ends. The caller must
// hold the spool, as its owner or by another reader.
func (s *Spool) Reader(ctx context.Context) *SpoolReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs++
	return &SpoolReader{spool: s, ctx: ctx}
}

// Close gives up the owner's hold. A spool that was not finished has failed. The error
// is always nil; closing again does nothing.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.fail(ErrUnfinished)
	s.mu.Unlock()
	s.release()
	return nil
}

// release drops a hold, and with the last one what the spool occupies.
func (s *Spool) release() {
	s.mu.Lock()
	s.refs--
	file, abandoned, last, moved := s.file, s.abandoned, s.refs == 0, s.moved
	s.mu.Unlock()
	if !last || file == nil {
		return
	}
	if abandoned != nil {
		abandoned.Close()
	}
	file.Close()
	if !moved {
		os.Remove(file.Name())
	}
}

// at returns what there is to read at off: bytes in memory, or the file and how
// much of it may be read. With neither, the content has ended (err) or more is
// awaited (wait).
func (s *Spool) at(off int64) (mem []byte, file *os.File, n int64, wait <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off < s.size {
		if s.file != nil {
			return nil, s.file, s.size - off, nil, nil
		}
		return s.buf[off:s.size:s.size], nil, s.size - off, nil, nil
	}
	if !s.done {
		return nil, nil, 0, s.next(), nil
	}
	if s.err != nil {
		return nil, nil, 0, nil, s.err
	}
	return nil, nil, 0, nil, io.EOF
}

// Bytes returns the content of a finished spool that is still in memory, which
// must not be changed; ok is false if it is in a file.
func (s *Spool) Bytes() (content []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf, s.done && s.err == nil && s.file == nil
}

// moveFile lets move rename the spool's file, if there is one, and reports
// whether it did. Readers keep reading the file that they have open.
func (s *Spool) moveFile(move func(*os.File) (bool, error)) (bool, error) {
	s.mu.Lock()
	file, moved := s.file, s.moved
	s.mu.Unlock()
	if file == nil || moved {
		return false, nil
	}
	ok, err := move(file)
	if err != nil || !ok {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = true
	return true, nil
}
