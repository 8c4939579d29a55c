package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A failure costs the call that met it, and nothing else: nothing of it is kept,
// it does not read as absence, and the next call succeeds.
func TestOutage(t *testing.T) {
	type answer = func(context.Context, string) ([]byte, error)
	failing := func(db *testDatabase, prefix string, err *upstream.Error) answer {
		return func(ctx context.Context, resource string) ([]byte, error) {
			if strings.HasPrefix(resource, prefix) {
				return nil, err
			}
			return db.answer(ctx, resource)
		}
	}
	becomes := func(page string) func([]byte) []byte { return func([]byte) []byte { return []byte(page) } }
	half := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b }
	unavailable, untrusted := upstream.Unavailable, upstream.Untrusted
	for _, test := range []struct {
		name   string
		answer func(db *testDatabase) answer
		class  upstream.Class
	}{
		{"everything is down", func(*testDatabase) answer { return down }, unavailable},
		{"look-ups time out", func(db *testDatabase) answer {
			return failing(db, "lookup/", &upstream.Error{Class: upstream.Timeout})
		}, upstream.Timeout},
		{"look-ups are too many", func(db *testDatabase) answer {
			return failing(db, "lookup/", &upstream.Error{Status: http.StatusTooManyRequests})
		}, unavailable},
		{"look-ups are a page", func(db *testDatabase) answer { return changing(db.answer, "lookup/", becomes(page)) }, unavailable},
		{"look-ups are empty", func(db *testDatabase) answer { return changing(db.answer, "lookup/", becomes("")) }, unavailable},
		{"look-ups are binary", func(db *testDatabase) answer { return changing(db.answer, "lookup/", becomes("\x00\xff\n")) }, unavailable},
		{"look-ups break off in the record", func(db *testDatabase) answer {
			return changing(db.answer, "lookup/", func(b []byte) []byte { return b[:20] })
		}, unavailable},
		{"look-ups break off in the head", func(db *testDatabase) answer {
			return changing(db.answer, "lookup/", func(b []byte) []byte { return b[:len(b)-20] })
		}, untrusted},
		{"tiles are down", func(db *testDatabase) answer { return failing(db, "tile/", &upstream.Error{Status: 503}) }, unavailable},
		{"tiles are not found", func(db *testDatabase) answer {
			return failing(db, "tile/", &upstream.Error{Class: upstream.NotFound, Status: 404})
		}, unavailable},
		{"a tile is down", func(db *testDatabase) answer { return failing(db, "tile/8/0/000", &upstream.Error{Status: 503}) }, unavailable},
		{"tiles are a page", func(db *testDatabase) answer { return changing(db.answer, "tile/", becomes(page)) }, unavailable},
		{"tiles are empty", func(db *testDatabase) answer { return changing(db.answer, "tile/", becomes("")) }, unavailable},
		{"tiles break off", func(db *testDatabase) answer { return changing(db.answer, "tile/", half) }, unavailable},
		{"tiles have a bit flipped", func(db *testDatabase) answer { return changing(db.answer, "tile/", flip) }, untrusted},
		{"the lowest tile has a bit flipped", func(db *testDatabase) answer { return changing(db.answer, "tile/8/0/000", flip) }, untrusted},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.grow(t, 0, 300)
			for _, known := range []string{"nothing", "an older head"} {
				e := newEngine(t, db, diskStore(t))
				if known != "nothing" {
					e.wantSums(t, mod(299))
					db.grow(t, 300, 400)
				}
				before := kept(t, e.store.(*cache.Disk).Dir())
				e.origin.answers(test.answer(db))
				for range 2 {
					sums, err := e.Expect(t.Context(), mod(7), upstream.Zip)
					if upstream.ClassOf(err) != test.class || err == nil || errors.Is(err, fs.ErrNotExist) {
						t.Errorf("with %s known, Expect = %v, want an error of class %q: %v", known, sums, test.class, err)
					}
				}
				e.wantNothingNew(t, before, mod(7))
				if len(before) > 0 {
					e.wantSameOffline(t, mod(299))
				}
				e.origin.answers(db.answer)
				e.wantSums(t, mod(7))
			}
		})
	}
}

// A source that says nothing holds a call until its context ends, and no other.
func TestHang(t *testing.T) {
	for _, resource := range []string{"lookup/", "tile/", "tile/8/0/000"} {
		t.Run(resource, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newDatabase(t)
				db.grow(t, 0, 300)
				e := newEngine(t, db, cache.NewMemory(nil))
				e.wantSums(t, mod(299))
				db.grow(t, 300, 301)
				e.origin.answers(func(ctx context.Context, asked string) ([]byte, error) {
					if strings.HasPrefix(asked, resource) && !strings.HasPrefix(asked, lookup(mod(8))) {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return db.answer(ctx, asked)
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				_, err := e.Expect(ctx, mod(7), upstream.Zip)
				if upstream.ClassOf(err) != upstream.Timeout || time.Since(start) != time.Second {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				e.wantSums(t, mod(299))
				e.origin.answers(db.answer)
				e.wantSums(t, mod(7), mod(8))
			})
		})
	}
}

// While one call hangs in proving a new head, another that also brings a new
// head waits no longer than its own context.
func TestHangInProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDatabase(t)
		db.grow(t, 0, 300)
		e := newEngine(t, db, cache.NewMemory(nil))
		e.wantSums(t, mod(299))
		db.grow(t, 300, 301)
		e.origin.answers(func(ctx context.Context, asked string) ([]byte, error) {
			if strings.HasPrefix(asked, "tile/") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return db.answer(ctx, asked)
		})
		long, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go e.Expect(long, mod(7), upstream.Zip)
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := e.Expect(short, mod(8), upstream.Zip)
		if upstream.ClassOf(err) != upstream.Timeout || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A head counts as the latest one for LatestTTL; in an outage the known one is
// given, and the source is not asked each time.
func TestLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDatabase(t)
		db.grow(t, 0, 300)
		e := newEngine(t, db, cache.NewMemory(nil))
		e.SumDB = e.withTTL(t, time.Minute)
		latest := func(want []byte) {
			t.Helper()
			got, err := e.read(t.Context(), "latest")
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("latest is %q, %v; want %q", got, err, want)
			}
		}
		first := db.get(t, "latest")
		latest(first)
		e.origin.take()
		db.grow(t, 300, 310)
		latest(first)
		e.origin.wantAsked(t)

		time.Sleep(time.Minute)
		second := db.get(t, "latest")
		latest(second)
		latest(second)
		asked, _ := e.origin.take()
		if n := strings.Count(strings.Join(asked, " "), "latest"); n != 1 {
			t.Errorf("%d requests for the head, want 1: %v", n, asked)
		}

		e.origin.answers(down)
		time.Sleep(time.Minute)
		latest(second)
		latest(second)
		e.origin.wantAsked(t, "latest")
	})
}

// A database without records has no head to serve, which is no absence.
func TestLatestOfNothing(t *testing.T) {
	e := newEngine(t, newDatabase(t), cache.NewMemory(nil))
	data, err := e.read(t.Context(), "latest")
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("latest is %q, %v", data, err)
	}
	e.wantSums(t, module.Version{Path: "a.example/first", Version: "v1.0.0"})
}

// wantUnavailable checks that nothing can be said of m just now.
func wantUnavailable(t testing.TB, e *engine, m module.Version) {
	t.Helper()
	if sums, err := e.Expect(t.Context(), m, upstream.Zip); err == nil || upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("Expect(%s) = %v, want an error of class %q: %v", m, sums, upstream.Unavailable, err)
	}
}
