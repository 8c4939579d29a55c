package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A bigStore is the directory of a disk store with many entries: modules with 40
// versions each, and three small files per version. Its files are what Put leaves,
// which a test below compares, but they are written without Put's temporary files
// and syncs, with which a million would take hours.
type bigStore struct {
	dir   string
	n     int
	bytes int64 // of content
	now   time.Time
}

const filesPerModule = 40 * len(bigFiles)

// bigFiles are the files of a version, with about what each has in bytes.
var bigFiles = [...]struct {
	suffix string
	size   int
}{{".info", 120}, {".mod", 500}, {".zip", 3000}}

func bigKey(i int) string {
	module, version := i/filesPerModule, i%filesPerModule/len(bigFiles)
	return fmt.Sprintf("example.com/owner%d/module%d/@v/v1.%d.0%s", module/50, module, version, bigFiles[i%len(bigFiles)].suffix)
}

// bigContent starts with the key, so that no two entries have the same.
func bigContent(i int) []byte {
	line := bigKey(i) + "\n"
	return []byte(strings.Repeat(line, bigFiles[i%len(bigFiles)].size/len(line)+1))
}

func bigMeta(content []byte, now time.Time) Meta {
	return Meta{Digest: sha256.Sum256(content), Fetched: now, Origin: "proxy.example", Verified: "sumdb"}
}

// bigUnused is how long an entry has not been used: some hours, up to 60 days.
func bigUnused(i int) time.Duration {
	return time.Duration(2+rand.New(rand.NewPCG(uint64(i), 0)).IntN(60*24)) * time.Hour
}

// newBigStore makes a store of n entries that is removed with the test.
func newBigStore(tb testing.TB, n int) *bigStore {
	tb.Helper()
	s := &bigStore{dir: tb.TempDir(), n: n, now: time.Now()}
	s.write(tb)
	return s
}

// write writes all entries, also those that are there.
func (s *bigStore) write(tb testing.TB) {
	tb.Helper()
	var next, written atomic.Int64
	var writers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) { // more only get in each other's way in the file system
		writers.Go(func() {
			for {
				first := int(next.Add(int64(filesPerModule))) - filesPerModule
				if first >= s.n {
					return
				}
				size, err := s.writeModule(first, min(first+filesPerModule, s.n))
				if err != nil {
					tb.Error(err)
					return
				}
				written.Add(size)
			}
		})
	}
	writers.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
	s.bytes = written.Load()
}

// writeModule writes the entries of a module, and returns the size of their
// content.
func (s *bigStore) writeModule(from, to int) (size int64, err error) {
	for _, name := range []string{bigKey(from), recordName(bigKey(from))} {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o777); err != nil {
			return size, err
		}
	}
	for i := from; i < to; i++ {
		n, err := s.writeEntry(i)
		if err != nil {
			return size, err
		}
		size += n
	}
	return size, nil
}

func (s *bigStore) writeEntry(i int) (size int64, err error) {
	content := bigContent(i)
	meta := bigMeta(content, s.now)
	info, err := writeFileAt(s.path(bigKey(i)), content, stamp(s.now, meta.Digest))
	if err != nil {
		return 0, err
	}
	data, err := json.Marshal(newRecord(info, meta))
	if err != nil {
		return 0, err
	}
	_, err = writeFileAt(s.path(recordName(bigKey(i))), append(data, '\n'), s.now.Add(-bigUnused(i)))
	return info.Size(), err
}

// writeFileAt writes a file that looks as if it was changed at a given time.
func writeFileAt(name string, content []byte, changed time.Time) (fs.FileInfo, error) {
	if err := os.WriteFile(name, content, 0o666); err != nil {
		return nil, err
	}
	if err := os.Chtimes(name, changed, changed); err != nil {
		return nil, err
	}
	return os.Stat(name)
}

func (s *bigStore) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *bigStore) open(tb testing.TB, opts DiskOptions) *Disk {
	tb.Helper()
	d, err := OpenDisk(s.dir, &opts)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// onDisk counts what is there without the store: entries and their bytes by the
// content, and the records.
func (s *bigStore) onDisk(tb testing.TB) (content usage, records int64) {
	tb.Helper()
	err := filepath.WalkDir(s.dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, _ := filepath.Rel(s.dir, name)
		switch {
		case strings.HasPrefix(filepath.ToSlash(below), recordDir+"/"):
			records++
		case !strings.HasPrefix(below, "."):
			info, err := entry.Info()
			if err != nil {
				return err
			}
			content.files++
			content.bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return content, records
}

// wantHits gets some entries, which must be there as they were written.
func (s *bigStore) wantHits(tb testing.TB, n int) {
	tb.Helper()
	d := s.open(tb, DiskOptions{})
	defer d.Close()
	for range n {
		i := rand.IntN(s.n)
		e, err := d.Get(tb.Context(), bigKey(i))
		if err != nil {
			tb.Fatal(err)
		}
		got, err := io.ReadAll(e.Body)
		e.Body.Close()
		if err != nil || !bytes.Equal(got, bigContent(i)) {
			tb.Fatalf("%s: %d bytes, %v; not what was written", bigKey(i), len(got), err)
		}
	}
}

// What the benchmarks measure is what Put would have written.
func TestBigStoreIsWhatPutWrites(t *testing.T) {
	written := newBigStore(t, filesPerModule+10)
	written.wantHits(t, 100)
	put := &bigStore{dir: t.TempDir(), n: written.n, now: written.now}
	d := put.open(t, DiskOptions{NoSync: true})
	defer d.Close()
	for i := range put.n {
		content := bigContent(i)
		c := Content{Meta: bigMeta(content, put.now), Size: int64(len(content)), Body: bytes.NewReader(content)}
		if err := d.Put(t.Context(), bigKey(i), c); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(put.contents(t), written.contents(t)); diff != "" {
		t.Errorf("written directly (-put +written):\n%s", diff)
	}
}

// contents returns the files of all entries and their records, less the day of the
// content's time of change.
func (s *bigStore) contents(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	content, records := s.onDisk(t)
	files["count"] = fmt.Sprint(content, records)
	for i := range s.n {
		for _, name := range []string{bigKey(i), recordName(bigKey(i))} {
			data, err := os.ReadFile(s.path(name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(data)
		}
		name := recordName(bigKey(i))
		rec, err := parseRecord([]byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		ofDay := rec.Changed % int64(24*time.Hour)
		files[name] = strings.Replace(files[name], fmt.Sprint(rec.Changed), fmt.Sprint(ofDay), 1)
	}
	return files
}
