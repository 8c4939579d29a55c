package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// TestSpoolFollow has readers that come at different times while the spool
// grows and moves from memory to a file. After each write, all must have read
// all; synctest sees to it that no goroutine is left.
func TestSpoolFollow(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		spool := cache.NewSpool(20, dir)
		var followers []*follower
		var want string
		for i := range 10 {
			for range 3 {
				f := &follower{}
				followers = append(followers, f)
				go f.follow(spool.Reader(t.Context()))
			}
			chunk := strings.Repeat(string(rune('a'+i)), 5)
			write(t, spool, chunk)
			want += chunk
			synctest.Wait()
			for j, f := range followers {
				if got := f.read.Load(); got != spool.Size() {
					t.Fatalf("after %d bytes, follower %d has read %d", spool.Size(), j, got)
				}
				if f.done.Load() {
					t.Fatalf("after %d bytes, follower %d is done", spool.Size(), j)
				}
			}
		}
		if err := spool.Finish(); err != nil {
			t.Fatal(err)
		}
		spool.Close()
		synctest.Wait()
		for j, f := range followers {
			if !f.done.Load() || f.err != nil || f.content.String() != want {
				t.Errorf("follower %d: %q, %v", j, f.content.String(), f.err)
			}
		}
	})
	wantFiles(t, dir)
}

// follower reads a spool and tells how far it is.
type follower struct {
	content bytes.Buffer
	read    atomic.Int64
	done    atomic.Bool
	err     error
}

func (f *follower) follow(r *cache.SpoolReader) {
	defer r.Close()
	_, f.err = io.Copy(f, r)
	f.done.Store(true)
}

func (f *follower) Write(p []byte) (int, error) {
	f.read.Add(int64(len(p)))
	return f.content.Write(p)
}

func TestSpoolReaderWaits(t *testing.T) {
	lost := errors.New("connection lost")
	gone := errors.New("the client went away")
	type outcome struct {
		n   int64
		err error
	}
	reads := map[string]func(r *cache.SpoolReader) outcome{
		"Read": func(r *cache.SpoolReader) outcome {
			n, err := io.ReadFull(r, make([]byte, 10))
			return outcome{int64(n), err}
		},
		"ReadAt": func(r *cache.SpoolReader) outcome {
			n, err := r.ReadAt(make([]byte, 6), 4)
			return outcome{int64(n), err}
		},
		"Seek": func(r *cache.SpoolReader) outcome {
			n, err := r.Seek(0, io.SeekEnd)
			return outcome{n, err}
		},
	}
	ends := []struct {
		name string
		end  func(*cache.Spool, context.CancelCauseFunc)
		want map[string]outcome
	}{
		{
			"finish",
			func(s *cache.Spool, _ context.CancelCauseFunc) { io.WriteString(s, "67890"); s.Finish() },
			map[string]outcome{"Read": {10, nil}, "ReadAt": {6, nil}, "Seek": {10, nil}},
		},
		{
			"finish early",
			func(s *cache.Spool, _ context.CancelCauseFunc) { s.Finish() },
			map[string]outcome{"Read": {5, io.ErrUnexpectedEOF}, "ReadAt": {1, io.EOF}, "Seek": {5, nil}},
		},
		{
			"fail",
			func(s *cache.Spool, _ context.CancelCauseFunc) { s.Fail(lost) },
			map[string]outcome{"Read": {5, lost}, "ReadAt": {1, lost}, "Seek": {0, lost}},
		},
		{
			"close",
			func(s *cache.Spool, _ context.CancelCauseFunc) { s.Close() },
			map[string]outcome{
				"Read": {5, cache.ErrUnfinished}, "ReadAt": {1, cache.ErrUnfinished}, "Seek": {0, cache.ErrUnfinished},
			},
		},
		{
			"cancel",
			func(_ *cache.Spool, cancel context.CancelCauseFunc) { cancel(gone) },
			map[string]outcome{"Read": {5, gone}, "ReadAt": {1, gone}, "Seek": {0, gone}},
		},
	}
	for _, end := range ends {
		for how, read := range reads {
			t.Run(end.name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					spool := cache.NewSpool(100)
					defer spool.Close()
					write(t, spool, "12345")
					r := spool.Reader(ctx)
					defer r.Close()
					done := make(chan outcome, 1)
					go func() { done <- read(r) }()
					synctest.Wait()
					select {
					case got := <-done:
						t.Fatalf("it did not wait: %v", got)
					default:
					}
					end.end(spool, cancel)
					if got, want := <-done, end.want[how]; got.n != want.n || !errors.Is(got.err, want.err) {
						t.Errorf("got %v, want %v", got, want)
					}
				})
			})
		}
	}
}

// TestSpoolReaderDeadline has one reader give up; the others go on.
func TestSpoolReaderDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spool := cache.NewSpool(100)
		defer spool.Close()
		patient := &follower{}
		go patient.follow(spool.Reader(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := spool.Reader(ctx)
		defer r.Close()
		start := time.Now()
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("Read waited %v", waited)
		}
		write(t, spool, "late")
		// What is there can be read all the same.
		b := make([]byte, 4)
		if n, err := r.Read(b); string(b[:n]) != "late" || err != nil {
			t.Errorf("Read after the deadline: %q, %v", b[:n], err)
		}
		spool.Finish()
		synctest.Wait()
		if patient.content.String() != "late" || patient.err != nil {
			t.Errorf("the other reader: %q, %v", patient.content.String(), patient.err)
		}
	})
}

// TestSpoolCrowd is for the race detector: readers of every kind, and a store
// that takes the file over, at full speed.
func TestSpoolCrowd(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	content := []byte(strings.Repeat("0123456789abcdef", 4096))
	spool := d.NewSpool(16 << 10)
	var wg sync.WaitGroup
	for i := range 40 {
		r := spool.Reader(t.Context())
		wg.Go(func() {
			defer r.Close()
			var err error
			var b []byte
			switch i % 4 {
			case 0:
				b, err = io.ReadAll(r)
			case 1:
				b, err = io.ReadAll(iotest.HalfReader(r))
			case 2:
				b = make([]byte, len(content))
				_, err = r.ReadAt(b, 0)
			case 3:
				b, err = io.ReadAll(io.NewSectionReader(r, 0, int64(len(content))))
			}
			if err != nil || !bytes.Equal(b, content) {
				t.Errorf("reader %d got %d bytes, %v", i, len(b), err)
			}
		})
	}
	for rest := content; len(rest) > 0; {
		n, err := spool.Write(rest[:min(1000, len(rest))])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := cache.Commit(t.Context(), d, modKey, spool, cache.Meta{}); err != nil {
		t.Error(err)
	}
	spool.Close()
	wg.Wait()
	wantContent(t, d, modKey, string(content))
	wantFiles(t, dir, ".breakwater/records/"+modKey+",json", modKey)
}
