package cache_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/cache"
)

// faulty is a store whose methods fail with the errors that are set.
type faulty struct {
	cache.Store
	getErr, putErr error
}

func (f *faulty) Get(ctx context.Context, key string) (*cache.Entry, error) {
	if f.getErr != nil {
		return nil, f.getErr
	}
	return f.Store.Get(ctx, key)
}

func (f *faulty) Put(ctx context.Context, key string, c cache.Content) error {
	if f.putErr != nil {
		return f.putErr
	}
	return f.Store.Put(ctx, key, c)
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	_, err := cache.Delete(ctx, f.Store, key)
	return err
}

func TestLayeredPromotes(t *testing.T) {
	fast, slow := cache.NewMemory(nil), openDisk(t, t.TempDir())
	s := cache.Layered(fast, slow)
	put(t, slow, modKey, "module m")
	wantMiss(t, fast, modKey)
	for _, want := range []string{"disk", "memory", "memory"} {
		content, layer := get(t, s, modKey)
		if content != "module m" || layer != want {
			t.Errorf("Get found %q in %q, want %q in %q", content, layer, "module m", want)
		}
	}
	wantContent(t, fast, modKey, "module m")
}

// TestLayeredLarge has content that the fast store does not take. It must reach
// the caller, and the slow store, without being read into memory on the way.
func TestLayeredLarge(t *testing.T) {
	large := strings.Repeat("x", 200)
	fast := cache.NewMemory(&cache.MemoryOptions{MaxEntry: 100})
	slow := &lastPut{Store: openDisk(t, t.TempDir())}
	s := cache.Layered(fast, slow)
	put(t, s, modKey, "small, and in both")
	body := strings.NewReader(large)
	if err := s.Put(t.Context(), modKey, cache.Content{Size: 200, Body: body}); err != nil {
		t.Fatal(err)
	}
	if slow.body != io.Reader(body) {
		t.Errorf("the slow store was given a %T, want the caller's own reader", slow.body)
	}
	wantMiss(t, fast, modKey) // the small one must not hide the large one
	e, err := s.Get(t.Context(), modKey)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Body.Close()
	if _, ok := e.Body.(*os.File); !ok {
		t.Errorf("Body is a %T, want the disk's *os.File", e.Body)
	}
	wantMiss(t, fast, modKey)
	wantContent(t, s, modKey, large)

	put(t, s, modKey, "small again")
	spool := filled(t, cache.SpoolFor(s, 0), large+"r")
	if err := cache.Commit(t.Context(), s, modKey, spool, cache.Meta{}); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, fast, modKey)
	wantContent(t, s, modKey, large+"r")
}

type lastPut struct {
	cache.Store
	body io.Reader
}

func (l *lastPut) Put(ctx context.Context, key string, c cache.Content) error {
	l.body = c.Body
	return l.Store.Put(ctx, key, c)
}

// TestLayeredHuge has a fast store that sets no bound.
func TestLayeredHuge(t *testing.T) {
	unread := &huge{Body: cache.NewBody(nil)}
	s := cache.Layered(&faulty{Store: cache.NewMemory(nil)}, unread)
	e, err := s.Get(t.Context(), modKey)
	if err != nil {
		t.Fatal(err)
	}
	if e.Body != cache.Body(unread) {
		t.Errorf("Body is a %T, want the slow store's own", e.Body)
	}
}

// huge is a store of one entry that says it is large, and is its Body.
type huge struct{ cache.Body }

func (h *huge) Get(context.Context, string) (*cache.Entry, error) {
	return &cache.Entry{Size: 100 << 20, Body: h}, nil
}

func (h *huge) Put(context.Context, string, cache.Content) error { return nil }

func TestLayeredFastFails(t *testing.T) {
	broken := errors.New("the fast store is broken")
	fast := &faulty{Store: cache.NewMemory(nil)}
	s := cache.Layered(fast, openDisk(t, t.TempDir()))
	put(t, s, modKey, "old")
	wantContent(t, fast, modKey, "old") // though it sets no bound

	// What the fast store cannot replace must not hide what is new.
	fast.putErr = broken
	put(t, s, modKey, "new")
	wantContent(t, s, modKey, "new")

	fast.getErr = broken
	wantContent(t, s, modKey, "new")
	put(t, s, listKey, "v1.0.0")
	wantContent(t, s, listKey, "v1.0.0")

	spool := filled(t, cache.SpoolFor(s, 0), "moved")
	if err := cache.Commit(t.Context(), s, modKey, spool, cache.Meta{}); err != nil {
		t.Errorf("Commit: %v", err)
	}
	wantContent(t, s, modKey, "moved")

	// Nobody knows whether the fast store has it: that is no miss.
	_, err := s.Get(t.Context(), "not/stored")
	if !errors.Is(err, broken) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of what the slow store lacks: %v, want %v", err, broken)
	}
}

func TestLayeredSlowFails(t *testing.T) {
	full := errors.New("no space left on device")
	slow := &faulty{Store: openDisk(t, t.TempDir())}
	s := cache.Layered(cache.NewMemory(&cache.MemoryOptions{MaxEntry: 100}), slow)
	put(t, s, listKey, "v1.0.0")
	slow.putErr = full
	if err := s.Put(t.Context(), modKey, text("module m")); !errors.Is(err, full) {
		t.Errorf("Put: %v, want %v", err, full)
	}
	if err := s.Put(t.Context(), "large", text(strings.Repeat("x", 200))); !errors.Is(err, full) {
		t.Errorf("Put of large content: %v, want %v", err, full)
	}
	spool := filled(t, cache.NewSpool(100), "spooled")
	if err := cache.Commit(t.Context(), s, "spooled", spool, cache.Meta{}); !errors.Is(err, full) {
		t.Errorf("Commit: %v, want %v", err, full)
	}
	slow.getErr = errors.New("input/output error")
	for key, want := range map[string]string{listKey: "v1.0.0", modKey: "module m", "spooled": "spooled"} {
		wantContent(t, s, key, want)
	}
	if _, err := s.Get(t.Context(), "large"); !errors.Is(err, slow.getErr) {
		t.Errorf("Get: %v, want %v", err, slow.getErr)
	}
}

// TestLayeredCatchesDamage changes bytes on disk so that neither size nor time
// tell. Reading them for the fast store does.
func TestLayeredCatchesDamage(t *testing.T) {
	dir := t.TempDir()
	fast, slow := cache.NewMemory(nil), openDisk(t, dir)
	s := cache.Layered(fast, slow)
	put(t, slow, modKey, "module m")
	file := filepath.Join(dir, modKey)
	changed := modTime(t, file)
	if err := os.WriteFile(file, []byte("module x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
	if !stored(slow, modKey) {
		t.Fatal("the disk noticed: this test tests nothing")
	}
	for range 2 {
		wantMiss(t, s, modKey)
		wantMiss(t, fast, modKey)
	}
	put(t, s, modKey, "module m")
	wantContent(t, s, modKey, "module m")
}

func TestLayeredCannotRead(t *testing.T) {
	s := cache.Layered(cache.NewMemory(nil), &unreadable{})
	wantMiss(t, s, modKey)
}

// unreadable has an entry that cannot be read to its end.
type unreadable struct{ cache.Body }

func (u *unreadable) Get(context.Context, string) (*cache.Entry, error) {
	return &cache.Entry{Size: 10, Body: &unreadable{cache.NewBody([]byte("half"))}}, nil
}

func (u *unreadable) Put(context.Context, string, cache.Content) error { return nil }

func (u *unreadable) Read(p []byte) (int, error) {
	return io.MultiReader(u.Body, iotest.ErrReader(errors.New("bad sector"))).Read(p)
}

func TestLayeredEdges(t *testing.T) {
	t.Run("no store", func(t *testing.T) {
		s := cache.Layered()
		wantMiss(t, s, modKey)
		if err := s.Put(t.Context(), modKey, text("x")); !errors.Is(err, cache.ErrTooLarge) {
			t.Errorf("Put: %v, want ErrTooLarge", err)
		}
	})
	t.Run("one store", func(t *testing.T) {
		d := openDisk(t, t.TempDir())
		if s := cache.Layered(d); s != cache.Store(d) {
			t.Errorf("Layered of one store is a %T, want that store", s)
		}
	})
	t.Run("close", func(t *testing.T) {
		d := openDisk(t, t.TempDir())
		s := cache.Layered(cache.NewMemory(nil), cache.NewMemory(nil), d)
		if err := s.(io.Closer).Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(t.Context(), modKey, text("x")); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Put into a store that should be closed: %v", err)
		}
	})
}
