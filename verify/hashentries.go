package verify

import (
	archive "archive/zip"
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// largeFile is from which size on files are worth an order of their own.
	largeFile = 256 << 10

	// costPerFile is what opening a file costs, in bytes inflated meanwhile.
	costPerFile = 1 << 10

	// parallelCost is below which a second goroutine costs more than it saves.
	parallelCost = 64 << 10
)

// hashFiles returns the SHA-256 of what each of files inflates to. What known knows
// is not inflated.
func hashFiles(content io.ReaderAt, files []*archive.File, known *follower) ([][sha256.Size]byte, error) {
	h := &fileHashes{content: content, files: files, known: known, order: largeFirst(files), sums: make([][sha256.Size]byte, len(files))}
	var others sync.WaitGroup
	for range h.workers() - 1 {
		others.Go(h.work)
	}
	h.work()
	others.Wait()
	return h.sums, h.err
}

// fileHashes is the work of one hashFiles, shared by its goroutines.
type fileHashes struct {
	content io.ReaderAt // of the zip
	files   []*archive.File
	known   *follower
	order   []int // in which files are taken up
	sums    [][sha256.Size]byte

	next   atomic.Int64 // in order
	failed atomic.Bool  // makes all of them stop
	once   sync.Once    // sets err
	err    error
}

// workers returns how many goroutines are worth their while.
func (h *fileHashes) workers() int {
	cost := costPerFile * uint64(len(h.files))
	for _, f := range h.files {
		cost += f.UncompressedSize64
	}
	if cost < parallelCost {
		return 1
	}
	return min(runtime.GOMAXPROCS(0), len(h.files))
}

func (h *fileHashes) work() {
	e := entryHashes.Get().(*entryHash)
	defer e.release()
	for !h.failed.Load() {
		n := int(h.next.Add(1)) - 1
		if n >= len(h.order) {
			return
		}
		i := h.order[n]
		if err := h.hash(e, h.files[i], &h.sums[i]); err != nil {
			h.fail(fmt.Errorf("zip entry %q: %w", h.files[i].Name, err))
			return
		}
	}
}

// hash hashes f's content, unless it is known. What is not in order, or not usual, is
// archive/zip's, which has the last word and the error.
func (h *fileHashes) hash(e *entryHash, f *archive.File, sum *[sha256.Size]byte) error {
	if known, ok := h.known.sum(f); ok {
		*sum = known
		return nil
	}
	if !e.hashFile(h.content, f, &h.failed) {
		if err := h.inflate(e.sum, f, e.inflater.out[:]); err != nil {
			return err
		}
	}
	e.sum.Sum(sum[:0])
	return nil
}

// inflate hashes f's content. That it is as long as declared, and its CRC, are
// checked by archive/zip's reader, which fails on the first read beyond.
func (h *fileHashes) inflate(sum hash.Hash, f *archive.File, buf []byte) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	sum.Reset()
	for !h.failed.Load() {
		n, err := r.Read(buf)
		sum.Write(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *fileHashes) fail(err error) {
	h.once.Do(func() {
		h.err = err
		h.failed.Store(true)
		h.known.abandon() // somebody may wait for it
	})
}

// largeFirst returns the order in which to hash files so that no core is left
// alone with a large one at the end. Small ones stay in the order of files.
func largeFirst(files []*archive.File) []int {
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(files[j].UncompressedSize64/largeFile, files[i].UncompressedSize64/largeFile)
	})
	return order
}
