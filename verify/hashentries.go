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

// hashFiles returns the SHA-256 of what each of files inflates to.
func hashFiles(files []*archive.File) ([][sha256.Size]byte, error) {
	h := &fileHashes{files: files, order: largeFirst(files), sums: make([][sha256.Size]byte, len(files))}
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
	files []*archive.File
	order []int // in which files are taken up
	sums  [][sha256.Size]byte

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
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	sum := sha256.New()
	for !h.failed.Load() {
		n := int(h.next.Add(1)) - 1
		if n >= len(h.order) {
			return
		}
		i := h.order[n]
		if err := h.inflate(sum, h.files[i], *buf); err != nil {
			h.fail(fmt.Errorf("zip entry %q: %w", h.files[i].Name, err))
			return
		}
		sum.Sum(h.sums[i][:0])
	}
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
