package fetch_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// What has been answered is at hand, also after Reconfigure, while the core that
// fetched it is still storing it.
func TestOfflineAfterReconfigureWhileStoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newSlowStore(), newHeld()
		close(source.release)
		opts := fetch.Options{Upstream: source, Store: store, Go: &fetch.GoSettings{GOSUMDB: "off"}}
		c := newClient(t, opts)
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		readMod(t, t.Context(), c, req)
		if err := c.Reconfigure(&opts); err != nil {
			t.Fatal(err)
		}
		if _, err := upstream.ReadAll(upstream.WithOffline(t.Context()), c, req); err != nil {
			t.Errorf("offline: %v", err)
		}
		readMod(t, t.Context(), c, req)
		if got := source.calls.Load(); got != 1 {
			t.Errorf("the source was asked %d times, want once", got)
		}
		close(store.release)
	})
}

// lookingStore has a look-up that finds nothing take until what is being stored is there.
type lookingStore struct {
	*slowStore
	looked func() // after each look-up that found nothing, if set
}

func (s *lookingStore) Get(ctx context.Context, key string) (*cache.Entry, error) {
	e, err := s.slowStore.Get(ctx, key)
	if err != nil && s.looked != nil {
		s.looked()
	}
	return e, err
}

// Who looks into the store just before a file gets there, and at what is being stored
// just after, finds it all the same: it was at hand all the time.
func TestOfflineBetweenStoringAndStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := &lookingStore{slowStore: newSlowStore()}, newHeld()
		close(source.release)
		c := newClient(t, fetch.Options{Upstream: source, Store: store})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		readMod(t, t.Context(), c, req)
		store.looked = func() {
			store.looked = nil
			close(store.release)
			if err := c.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if _, err := upstream.ReadAll(upstream.WithOffline(t.Context()), c, req); err != nil {
			t.Errorf("offline: %v", err)
		}
	})
}

// gates has each Put wait for a place of its own.
type gates struct {
	cache.Store
	mu   sync.Mutex
	puts []chan struct{}
}

func (s *gates) Put(ctx context.Context, key string, c cache.Content) error {
	gate := make(chan struct{})
	s.mu.Lock()
	s.puts = append(s.puts, gate)
	s.mu.Unlock()
	<-gate
	return s.Store.Put(ctx, key, c)
}

func (s *gates) List(ctx context.Context, visit func(key string) error) error {
	return s.Store.(cache.Lister).List(ctx, visit)
}

func (s *gates) Delete(ctx context.Context, key string) error {
	_, err := cache.Delete(ctx, s.Store, key)
	return err
}

// Two flights for one file, one for a caller and one for another proxy's, may both be
// storing it. Flush waits for both, and what Purge removed stays away.
func TestFlushOfTwoFlightsForOneFile(t *testing.T) {
	for _, last := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			store, source := &gates{Store: cache.NewMemory(nil)}, newHeld()
			c := newClient(t, fetch.Options{Upstream: source, Store: store})
			req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
			var callers sync.WaitGroup
			callers.Go(func() { readMod(t, t.Context(), c, req) })
			callers.Go(func() { readMod(t, upstream.WithVia(t.Context(), "1.1 one, 1.1 other"), c, req) })
			synctest.Wait()
			close(source.release)
			callers.Wait()
			synctest.Wait()
			if len(store.puts) != 2 {
				t.Fatalf("%d are storing, want 2", len(store.puts))
			}
			purged := make(chan struct{})
			go func() {
				defer close(purged)
				if _, err := c.Purge(t.Context(), "example.com"); err != nil {
					t.Error(err)
				}
			}()
			close(store.puts[1-last])
			synctest.Wait()
			select {
			case <-purged:
				t.Errorf("Purge did not wait for flight %d, which was answered before and is being stored", last)
			default:
			}
			close(store.puts[last])
			<-purged
			c.Flush(t.Context())
			if _, err := store.Get(t.Context(), req.Key()); err == nil {
				t.Errorf("what was purged is back, stored by flight %d", last)
			}
		})
	}
}

// What gets into the store while a source hangs is answered from there: it may have
// come from another process, or by Import.
func TestStoredWhileTheSourceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := cache.NewMemory(nil), newHeld()
		hanging := newClient(t, fetch.Options{Upstream: source, Store: store})
		well := newHeld()
		close(well.release)
		other := newClient(t, fetch.Options{Upstream: well, Store: store}) // another process
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		var first sync.WaitGroup
		first.Go(func() { readMod(t, t.Context(), hanging, req) })
		synctest.Wait()
		time.Sleep(time.Second) // of the bubble
		readMod(t, t.Context(), other, req)
		flush(t, other)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := upstream.ReadAll(ctx, hanging, req); err != nil {
			t.Errorf("it is in the store, and the answer is %v", err)
		}
		close(source.release)
		first.Wait()
	})
}

// endingStore ends the goroutine of who stores "ends", and holds up all others.
type endingStore struct {
	*slowStore
	end string
}

func (s *endingStore) Put(ctx context.Context, key string, c cache.Content) error {
	if strings.Contains(key, s.end) {
		runtime.Goexit()
	}
	return s.slowStore.Put(ctx, key, c)
}

// A store that ends the goroutine has not stored the file; whoever wants it gets it all
// the same, also when no place is left to store it later.
func TestGoexitOfTheStore(t *testing.T) {
	for _, busy := range []int{0, 64} {
		synctest.Test(t, func(t *testing.T) {
			store, source := &endingStore{newSlowStore(), "v9"}, newHeld()
			close(source.release)
			c := newClient(t, fetch.Options{Upstream: source, Store: store})
			for i := range busy {
				readMod(t, t.Context(), c, request(t, upstream.Mod, "example.com/hello", fmt.Sprintf("v1.0.%d", i)))
			}
			resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello/v9", "v9.0.0"))
			if err != nil {
				t.Errorf("with %d others being stored: %v", busy, err)
			} else {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			close(store.release)
		})
	}
}

// diskStore ends the goroutine of who stores the zip, and holds up all others; its
// spools are a disk's.
type diskStore struct {
	*cache.Disk
	release chan struct{}
	how     func()
}

func (s *diskStore) Move(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error {
	if strings.HasSuffix(key, ".zip") {
		s.how()
	}
	<-s.release
	return s.Disk.Move(ctx, key, spool, meta)
}

// Whatever a store does, the temporary file of a zip goes.
func TestBrokenStoreLeavesNothing(t *testing.T) {
	for name, how := range map[string]func(){"panics": func() { panic("boom") }, "ends the goroutine": runtime.Goexit} {
		for _, busy := range []int{0, 64} {
			dir := t.TempDir()
			disk, err := cache.OpenDisk(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			store := &diskStore{disk, make(chan struct{}), how}
			zip := largeZip(t, 1)
			c := newClient(t, fetch.Options{Store: store, Upstream: upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				body := goMod
				if req.Kind() == upstream.Zip {
					body = string(zip)
				}
				return &upstream.Response{Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body)), Source: "s"}, nil
			})})
			for i := range busy {
				readMod(t, t.Context(), c, request(t, upstream.Mod, "example.com/hello", fmt.Sprintf("v1.0.%d", i)))
			}
			if resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "example.com/large", "v1.0.0")); err != nil {
				t.Errorf("%s, with %d others: %v", name, busy, err)
			} else {
				resp.Body.Close()
			}
			close(store.release)
			c.Close()
			if left := spools(t, dir); len(left) > 0 {
				t.Errorf("%s, with %d others: left behind: %v", name, busy, left)
			}
			disk.Close()
		}
	}
}
