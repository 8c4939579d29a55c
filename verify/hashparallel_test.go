package verify_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// slowDisk takes a second for each read. From the byte failAt on it takes half a
// second more for the first ten, and then fails.
type slowDisk struct {
	io.ReaderAt
	failAt, failTo int64

	mu          sync.Mutex
	began       []time.Time
	now, atOnce int // reads
	failed      time.Time
}

func (d *slowDisk) ReadAt(p []byte, off int64) (int, error) {
	d.begin()
	defer d.end()
	if d.failAt <= off && off < d.failTo {
		time.Sleep(10*time.Second + time.Second/2)
		d.failed = time.Now()
		return 0, errDisk
	}
	time.Sleep(time.Second)
	return d.ReaderAt.ReadAt(p, off)
}

func (d *slowDisk) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = append(d.began, time.Now())
	d.now++
	d.atOnce = max(d.atOnce, d.now)
}

func (d *slowDisk) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now--
}

// onProcs runs f in a bubble as on a machine with n cores.
func onProcs(t *testing.T, n int, f func(*testing.T)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	synctest.Test(t, f)
}

// storedFiles makes a zip of files of the given sizes.
func storedFiles(t *testing.T, sizes ...int) string {
	var entries []entry
	for i, size := range sizes {
		entries = append(entries, entry{name: fmt.Sprintf("f%02d", i), content: strings.Repeat("x", size), stored: true})
	}
	return zipOf(t, entries...)
}

// The first error stops the other goroutines, in the middle of a large file too,
// and none of them is left when HashZip returns.
func TestHashZipStopsAtTheFirstError(t *testing.T) {
	const size = 8 << 20
	content := storedFiles(t, size, size, size, size, size, size, size)
	onProcs(t, 4, func(t *testing.T) {
		disk := &slowDisk{ReaderAt: strings.NewReader(content), failAt: 33, failTo: size} // after the first header
		if _, err := verify.HashZip(disk, int64(len(content))); !errors.Is(err, errDisk) {
			t.Errorf("error is %v, want the disk's", err)
		}
		reads := len(disk.began)
		time.Sleep(time.Hour)
		if later := len(disk.began) - reads; later != 0 {
			t.Errorf("%d reads began after HashZip returned", later)
		}
		if last := disk.began[reads-1]; last.After(disk.failed) {
			t.Errorf("a read began %v after the error", last.Sub(disk.failed))
		}
		if disk.atOnce != 4 {
			t.Errorf("%d reads at once, want 4", disk.atOnce)
		}
	})
}

// Cores are used where that is worth it, one for each file at most.
func TestHashZipCores(t *testing.T) {
	many := make([]int, 100)
	tests := []struct {
		name  string
		sizes []int
		want  int
	}{
		{"none", nil, 1},
		{"small", []int{10_000, 10_000, 10_000}, 1},
		{"one large", []int{4 << 20}, 1},
		{"two large", []int{1 << 20, 1 << 20}, 2},
		{"large and small", []int{1 << 20, 10, 1 << 20, 10}, 4},
		{"many large", []int{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}, 4},
		{"many empty", many, 4},
	}
	for _, test := range tests {
		content := storedFiles(t, test.sizes...)
		onProcs(t, 4, func(t *testing.T) {
			disk := &slowDisk{ReaderAt: strings.NewReader(content)}
			if _, err := verify.HashZip(disk, int64(len(content))); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			if disk.atOnce != test.want {
				t.Errorf("%s: %d reads at once, want %d", test.name, disk.atOnce, test.want)
			}
		})
	}
}

// headerOrder remembers in which order headers of files are read.
type headerOrder struct {
	content string
	names   []string
}

func (h *headerOrder) ReadAt(p []byte, off int64) (int, error) {
	n, err := strings.NewReader(h.content).ReadAt(p, off)
	if len(p) == 30 && strings.HasPrefix(string(p), "PK\x03\x04") {
		h.names = append(h.names, h.content[off+30:off+33])
	}
	return n, err
}

// Large files come first, lest one be left to a single core at the end; the
// others in the order in which they are in the file.
func TestHashZipOrder(t *testing.T) {
	content := storedFiles(t, 10, 300<<10, 5, 2<<20, 20, 1<<20, 30_000)
	order := &headerOrder{content: content}
	onProcs(t, 1, func(t *testing.T) {
		if _, err := verify.HashZip(order, int64(len(content))); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff([]string{"f03", "f05", "f01", "f00", "f02", "f04", "f06"}, order.names); diff != "" {
		t.Errorf("files in the order of being read (-want +got):\n%s", diff)
	}
}
