package cache_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

func write(t testing.TB, spool *cache.Spool, content string) {
	t.Helper()
	if n, err := io.WriteString(spool, content); n != len(content) || err != nil {
		t.Fatalf("Write of %d bytes: %d, %v", len(content), n, err)
	}
}

func TestSpoolSpills(t *testing.T) {
	for _, test := range []struct {
		name   string
		memory int64
		grow   int64
		writes []string
		files  []int // in the directory after each write
	}{
		{"fits", 10, -1, []string{"12345", "67890"}, []int{0, 0}},
		{"one byte over", 10, -1, []string{"1234567890", "1"}, []int{0, 1}},
		{"over at once", 10, -1, []string{"12345678901"}, []int{1}},
		{"no memory", 0, -1, []string{"", "1"}, []int{0, 1}},
		{"grown within memory", 10, 10, []string{"12345", "67890"}, []int{0, 0}},
		{"grown over memory", 10, 11, []string{"1", "2"}, []int{1, 1}},
		{"announced too small", 10, 1, []string{"1234567890", "1"}, []int{0, 1}},
		{"announced too large", 10, 1 << 40, []string{"1"}, []int{1}},
		{"announced empty", 10, 0, []string{"1"}, []int{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			spool := cache.NewSpool(test.memory, dir)
			defer spool.Close()
			spool.Grow(test.grow)
			var got []int
			for _, w := range test.writes {
				write(t, spool, w)
				got = append(got, len(files(t, dir)))
			}
			if diff := cmp.Diff(test.files, got); diff != "" {
				t.Errorf("files after each write (-want +got):\n%s", diff)
			}
			if err := spool.Finish(); err != nil {
				t.Fatal(err)
			}
			want := strings.Join(test.writes, "")
			wantSpooled(t, spool, want)
			content, inMemory := spool.Bytes()
			if inMemory != (got[len(got)-1] == 0) || inMemory && string(content) != want {
				t.Errorf("Bytes: %q, %t", content, inMemory)
			}
			if inMemory && test.grow > 0 && test.grow == int64(len(want)) && int64(cap(content)) != test.grow {
				t.Errorf("%d bytes of memory are taken, %d were announced", cap(content), test.grow)
			}
			if err := spool.Close(); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir)
		})
	}
}

// wantSpooled checks all that a finished spool says of its content.
func wantSpooled(t *testing.T, spool *cache.Spool, want string) {
	t.Helper()
	if got := spool.Size(); got != int64(len(want)) {
		t.Errorf("Size is %d, want %d", got, len(want))
	}
	digest, err := spool.Digest()
	if err != nil || digest != sha256.Sum256([]byte(want)) {
		t.Errorf("Digest: %v, %v", digest, err)
	}
	r := spool.Reader(t.Context())
	defer r.Close()
	if r.Spool() != spool {
		t.Error("Reader.Spool is not the spool")
	}
	if err := iotest.TestReader(r, []byte(want)); err != nil {
		t.Error(err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil || b.String() != want {
		t.Errorf("Copy: %q, %v, want %q", b.String(), err, want)
	}
}

func TestSpoolReaderOffsets(t *testing.T) {
	for name, memory := range map[string]int64{"memory": 100, "file": 0} {
		t.Run(name, func(t *testing.T) {
			r := filled(t, cache.NewSpool(memory, t.TempDir()), "0123456789").Reader(t.Context())
			defer r.Close()
			for _, bad := range []struct {
				offset int64
				whence int
			}{{-1, io.SeekStart}, {-1, io.SeekCurrent}, {-11, io.SeekEnd}, {0, 3}} {
				if _, err := r.Seek(bad.offset, bad.whence); err == nil {
					t.Errorf("Seek(%d, %d) succeeded", bad.offset, bad.whence)
				}
			}
			if _, err := r.ReadAt(make([]byte, 1), -1); err == nil || err == io.EOF {
				t.Errorf("ReadAt(-1): %v", err)
			}
			// A Seek that failed has moved nothing; one beyond the end is allowed.
			if b, err := io.ReadAll(r); string(b) != "0123456789" || err != nil {
				t.Errorf("ReadAll: %q, %v", b, err)
			}
			if off, err := r.Seek(5, io.SeekEnd); off != 15 || err != nil {
				t.Errorf("Seek beyond the end: %d, %v", off, err)
			}
			if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("Read beyond the end: %d, %v, want 0, EOF", n, err)
			}
			if err := errors.Join(r.Close(), r.Close()); err != nil {
				t.Errorf("Close: %v", err)
			}
			if _, err := r.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
				t.Errorf("ReadAt after Close: %v", err)
			}
		})
	}
}

func TestSpoolEnds(t *testing.T) {
	lost := errors.New("connection lost")
	for _, test := range []struct {
		name string
		end  func(*cache.Spool)
		want error
	}{
		{"not at all", func(*cache.Spool) {}, cache.ErrUnfinished},
		{"finished", func(s *cache.Spool) { s.Finish() }, nil},
		{"failed", func(s *cache.Spool) { s.Fail(lost) }, lost},
		{"failed for no reason", func(s *cache.Spool) { s.Fail(nil) }, cache.ErrUnfinished},
		{"closed", func(s *cache.Spool) { s.Close() }, cache.ErrUnfinished},
		{"failed, then finished", func(s *cache.Spool) { s.Fail(lost); s.Finish() }, lost},
		{"finished, then failed", func(s *cache.Spool) { s.Finish(); s.Fail(lost) }, nil},
		{"closed, then finished", func(s *cache.Spool) { s.Close(); s.Finish() }, cache.ErrUnfinished},
		{"finished, then closed", func(s *cache.Spool) { s.Finish(); s.Close() }, nil},
	} {
		for where, memory := range map[string]int64{"memory": 100, "file": 0} {
			t.Run(test.name+" "+where, func(t *testing.T) {
				dir := t.TempDir()
				spool := cache.NewSpool(memory, dir)
				write(t, spool, "half")
				r := spool.Reader(t.Context())
				test.end(spool)
				if _, err := spool.Digest(); !errors.Is(err, test.want) {
					t.Errorf("Digest: %v, want %v", err, test.want)
				}
				if _, err := spool.FileName(); test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("FileName: %v, want %v", err, test.want)
				}
				if _, ok := spool.Bytes(); ok && test.want != nil {
					t.Error("Bytes are of a spool that is complete, but this one is not")
				}
				spool.Close()
				if n, err := spool.Write([]byte("more")); err == nil || n != 0 {
					t.Errorf("Write to a spool that has ended: %d, %v", n, err)
				}
				// A reader gets what there is, then the reason why it is not all.
				if b, err := io.ReadAll(r); string(b) != "half" || !errors.Is(err, test.want) {
					t.Errorf("ReadAll: %q, %v, want %q, %v", b, err, "half", test.want)
				}
				if _, err := r.Seek(0, io.SeekEnd); !errors.Is(err, test.want) {
					t.Errorf("Seek to the end: %v, want %v", err, test.want)
				}
				r.Close()
				wantFiles(t, dir)
			})
		}
	}
}

func TestSpoolFileLifetime(t *testing.T) {
	dir := t.TempDir()
	spool := filled(t, cache.NewSpool(0, dir), "content")
	first, second := spool.Reader(t.Context()), spool.Reader(t.Context())
	for _, hold := range []io.Closer{first, spool, spool, first} {
		if err := hold.Close(); err != nil {
			t.Fatal(err)
		}
		if n := len(files(t, dir)); n != 1 {
			t.Fatalf("%d files while a reader is open, want 1", n)
		}
	}
	if b, err := io.ReadAll(second); string(b) != "content" || err != nil {
		t.Errorf("ReadAll: %q, %v", b, err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir)
}

func TestSpoolFileName(t *testing.T) {
	for name, memory := range map[string]int64{"memory": 100, "file": 0} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spool := filled(t, cache.NewSpool(memory, dir), "content")
			r := spool.Reader(t.Context())
			defer r.Close()
			if _, err := io.ReadFull(r, make([]byte, 3)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				file, err := spool.FileName()
				if err != nil {
					t.Fatal(err)
				}
				if b, err := os.ReadFile(file); string(b) != "content" || err != nil {
					t.Errorf("the file: %q, %v", b, err)
				}
			}
			if n := len(files(t, dir)); n != 1 {
				t.Errorf("%d files, want 1", n)
			}
			if b, err := io.ReadAll(r); string(b) != "tent" || err != nil {
				t.Errorf("a reader from before: %q, %v", b, err)
			}
			wantSpooled(t, spool, "content")
		})
	}
}

// TestSpoolNowhere has no directory for a file. What is in memory stays.
func TestSpoolNowhere(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", nowhere)
	spool := cache.NewSpool(5, nowhere)
	defer spool.Close()
	write(t, spool, "12345")
	if n, err := spool.Write([]byte("6")); n != 0 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Write: %d, %v", n, err)
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	wantSpooled(t, spool, "12345")
}
