package verify_test

import (
	archive "archive/zip"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/zip"
)

// declaring is an entry that says that it has these sizes.
func declaring(name string, inflated, deflated uint64) entry {
	return entry{name: name, stored: true, lie: func(h *archive.FileHeader) {
		h.UncompressedSize64, h.CompressedSize64 = inflated, deflated
	}}
}

// countingReader counts what is read of a zip.
type countingReader struct {
	io.ReaderAt
	read atomic.Int64
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	r.read.Add(int64(n))
	return n, err
}

// What is declared decides before anything is inflated.
func TestHashZipLimits(t *testing.T) {
	const limit, tooMuch = zip.MaxZipFile, "more than the 524288000 bytes allowed"
	good := entry{name: "a", content: "x"}
	tests := []struct {
		name, zip string
		text      string // in the error
	}{
		{"as much as is allowed", zipOf(t, declaring("f", limit, 0)), `zip entry "f"`}, // it is opened
		{"one byte more", zipOf(t, good, declaring("f", limit, 0)), tooMuch},
		{"too much compressed", zipOf(t, good, declaring("f", 0, limit)), tooMuch},
		{"too much in all", zipOf(t, declaring("f", limit/2, 0), declaring("g", limit/2, 0), good), tooMuch},
		{"too much compressed in all", zipOf(t, declaring("f", 0, limit/2), declaring("g", 0, limit/2), good), tooMuch},
		{"what overflows", zipOf(t, declaring("f", 1<<63, 0), declaring("g", 1<<63, 0)), tooMuch},
		{"what overflows compressed", zipOf(t, good, declaring("g", 0, 1<<64-1)), tooMuch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := hashZip(test.zip); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %q", err, test.text)
			}
			for n := 1; n <= 2; n++ { // a file in an earlier piece may be opened
				if got := inPieces(test.zip, n); !got.Failed {
					t.Errorf("accepted in pieces of %d", n)
				}
			}
		})
	}
}

func TestHashZipRefusesAFileThatIsTooLarge(t *testing.T) {
	if _, err := verify.HashZip(unreadable{t}, zip.MaxZipFile+1); err == nil {
		t.Error("it is accepted")
	}
}

// unreadable is content that must not be read.
type unreadable struct{ t *testing.T }

func (u unreadable) ReadAt([]byte, int64) (int, error) {
	u.t.Error("it is read")
	return 0, io.EOF
}

// A bomb is noticed where its declared size ends, not when it is inflated.
func TestHashZipStopsAtTheDeclaredSize(t *testing.T) {
	_, zeros := zerosDeflated(64)
	bomb := zipOf(t, entry{name: "bomb", deflated: zeros, lie: func(h *archive.FileHeader) { h.UncompressedSize64 = 10 }})
	content := &countingReader{ReaderAt: strings.NewReader(bomb)}
	_, err := verify.HashZip(content, int64(len(bomb)))
	if !errors.Is(err, archive.ErrFormat) {
		t.Errorf("error is %v", err)
	}
	if read := content.read.Load(); read > 16<<10 {
		t.Errorf("%d of %d bytes were read", read, len(bomb))
	}
}

var errDisk = errors.New("disk on fire")

// badDisk fails where these bytes are.
type badDisk struct {
	io.ReaderAt
	from, to int64
}

func (d *badDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.from < off+int64(len(p)) && off < d.to {
		return 0, errDisk
	}
	return d.ReaderAt.ReadAt(p, off)
}

func TestHashZipKeepsTheErrorOfReading(t *testing.T) {
	content := zipOf(t, entry{name: "a", content: sourceText(10_000)}, entry{name: "b", content: "x"})
	for _, at := range []int64{0, 1000, int64(len(content)) - 1} {
		disk := &badDisk{strings.NewReader(content), at, int64(len(content))}
		for n := 1; n <= 2; n++ {
			if hash, err := verify.HashZipInPieces(disk, int64(len(content)), n); !errors.Is(err, errDisk) || hash != "" {
				t.Errorf("failure from byte %d on: hash %q, error %v", at, hash, err)
			}
		}
	}
}

// A directory that points outside of the file is a bad zip, not a bad disk: the
// errors of files have their names in them.
func TestHashZipReadsNothingOutside(t *testing.T) {
	whole := zipOf(t, entry{name: "a", content: "x"}, entry{name: "b", content: "y"})
	name := writeZip(t)
	if err := os.WriteFile(name, []byte(whole[40:]), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := hashFile(name)
	if _, ok := errors.AsType[*os.PathError](err); ok || err == nil {
		t.Errorf("error is %#v", err)
	}
}

// Many at once share what is pooled, and nothing else.
func TestHashZipAtOnce(t *testing.T) {
	var zips, want []string
	for i := range 8 {
		zips = append(zips, zipOf(t, sources(40+i, 3000+i)...))
		hash, err := dirHashOf(t, zips[i])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, hash)
	}
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			got, err := hashZip(zips[i%8])
			if got.Hash != want[i%8] {
				t.Errorf("zip %d: hash is %s, error %v; want %s", i%8, got.Hash, err, want[i%8])
			}
		})
	}
	all.Wait()
}

// However large the files are, little is allocated for them.
func TestHashZipAllocatesLittleForLargeFiles(t *testing.T) {
	zeros, short := zerosDeflated(16)
	name := writeZip(t, entry{name: "a", content: zeros, deflated: short}, entry{name: "b", content: noise(8 << 20)},
		entry{name: "c", content: noise(8 << 20), stored: true})
	if allocated := allocatedBy(t, func() error { _, err := hashFile(name); return err }); allocated > 2<<20 {
		t.Errorf("%d bytes allocated", allocated)
	}
}

func allocatedBy(t *testing.T, do func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := do(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// However large a directory is, it is not in memory all at once.
func TestHashZipHeapForLargeDirectories(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	files := sources(100_000, 40)
	for i := range files {
		files[i].stored = true // the race detector has archive/zip throw inflaters away
	}
	comment := strings.Repeat(" ", 60_000)
	comments := sources(1000, 10)
	for i := range comments {
		comments[i].lie = func(h *archive.FileHeader) { h.Comment = comment }
	}
	zips := map[string]string{
		"100,000 files": writeZip(t, files...),
		"long comments": writeZip(t, comments...),
	}
	files, comments = nil, nil // what else is live allows for garbage
	for name, zip := range zips {
		if more := heapGrowth(t, func() error { _, err := hashFile(zip); return err }); more > 32<<20 {
			t.Errorf("%s: %d bytes more heap", name, more)
		}
	}
}

// heapGrowth returns how much more the heap was at its largest while do ran.
func heapGrowth(t *testing.T, do func() error) uint64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // little garbage is counted
	runtime.GC()
	before := heap()
	ended := make(chan uint64)
	var stop atomic.Bool
	go func() {
		peak := before
		for !stop.Load() {
			peak = max(peak, heap())
			time.Sleep(time.Millisecond)
		}
		ended <- peak
	}()
	err := do()
	stop.Store(true)
	if err != nil {
		t.Error(err)
	}
	return <-ended - before
}

// heap is what objects take up, garbage that is still to be collected too.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
