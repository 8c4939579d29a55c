package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// standing is a SumDBStanding with times in minutes; never is no time.
type standing struct {
	TreeSize                    int64
	Confirmed, Answered, Failed int
	Class                       upstream.Class // of Err, if Failed
	Events                      int64
}

const never = -1

// standingSince returns how the engine's database fares.
func standingSince(t testing.TB, start time.Time, e *engine) standing {
	t.Helper()
	minutes := func(at time.Time) int {
		if at.IsZero() {
			return never
		}
		return int(at.Sub(start) / time.Minute)
	}
	s := e.Standing()
	if (s.Err == nil) != s.Failed.IsZero() || errors.Is(s.Err, context.Canceled) {
		t.Errorf("failed at %v: %v", s.Failed, s.Err)
	}
	got := standing{s.TreeSize, minutes(s.Confirmed), minutes(s.Answered), minutes(s.Failed), 0, s.SecurityEvents}
	if s.Err != nil {
		got.Class = upstream.ClassOf(s.Err)
	}
	return got
}

// What happens a minute after the database was first asked, and what is known of it
// then.
func TestStanding(t *testing.T) {
	expect := func(m module.Version) func(context.Context, *engine) {
		return func(ctx context.Context, e *engine) { e.Expect(ctx, m, upstream.Zip) }
	}
	ask := func(resource string) func(context.Context, *engine) {
		return func(ctx context.Context, e *engine) { e.read(ctx, resource) }
	}
	type answer = func(context.Context, string) ([]byte, error)
	same := func(a answer) answer { return a }
	saying := func(prefix string, says upstream.Error) func(answer) answer {
		return func(a answer) answer {
			return func(ctx context.Context, resource string) ([]byte, error) {
				if strings.HasPrefix(resource, prefix) {
					e := says
					return nil, &e
				}
				return a(ctx, resource)
			}
		}
	}
	absent := upstream.Error{Class: upstream.NotFound, Status: 404}
	doubtful := absent
	doubtful.Attempts = []*upstream.Error{{Class: upstream.NotFound}, {Class: upstream.Unavailable}}
	plain := func(ctx context.Context) context.Context { return ctx }
	before := standing{TreeSize: 300, Confirmed: 0, Answered: 0, Failed: never}
	failed := func(class upstream.Class, of standing) standing { of.Failed, of.Class = 1, class; return of }
	with := func(tree int64, confirmed, answered int) standing {
		return standing{TreeSize: tree, Confirmed: confirmed, Answered: answered, Failed: never}
	}
	lied := failed(upstream.Untrusted, with(300, 0, 1))
	lied.Events = 1
	for _, test := range []struct {
		name   string
		grows  int
		answer func(answer) answer
		do     func(context.Context, *engine)
		ctx    func(context.Context) context.Context
		want   standing
	}{
		{"nothing", 0, same, func(context.Context, *engine) {}, plain, before},
		{"a record that is held", 0, same, expect(mod(299)), plain, before},
		{"a record of the tree that is known", 0, same, expect(mod(0)), plain, with(300, 1, 1)},
		{"a record of a larger tree", 100, same, expect(mod(0)), plain, with(400, 1, 1)},
		{"the latest head", 100, same, ask("latest"), plain, with(400, 1, 1)},
		{"the same head", 0, same, ask("latest"), plain, with(300, 1, 1)},
		{"no such record", 0, same, expect(module.Version{Path: "missing.example/m", Version: "v1.0.0"}), plain, with(300, 0, 1)},
		{"a tile", 0, same, ask("tile/8/0/000"), plain, with(300, 0, 1)},

		{"down", 0, func(answer) answer { return down }, expect(mod(0)), plain, failed(upstream.Unavailable, before)},
		{"a timeout", 0, saying("lookup/", upstream.Error{Class: upstream.Timeout}), expect(mod(0)), plain, failed(upstream.Timeout, before)},
		{"not let in", 0, saying("lookup/", upstream.Error{Class: upstream.Denied, Status: 403}), expect(mod(0)), plain, failed(upstream.Denied, before)},
		{"down, and the known head is served", 0, func(answer) answer { return down }, ask("latest"), plain, failed(upstream.Unavailable, before)},
		{"no such head", 0, saying("latest", absent), ask("latest"), plain, failed(upstream.Unavailable, with(300, 0, 1))},
		{"down for a tile", 0, func(answer) answer { return down }, ask("tile/8/0/000"), plain, failed(upstream.Unavailable, before)},
		{"no tiles", 100, saying("tile/", absent), expect(mod(0)), plain, failed(upstream.Unavailable, with(300, 0, 1))},
		{"tiles are down", 100, saying("tile/", upstream.Error{}), expect(mod(0)), plain, failed(upstream.Unavailable, with(300, 0, 1))},
		{"no such record, or so some say", 0, saying("lookup/", doubtful), expect(mod(0)), plain, failed(upstream.Unavailable, before)},
		{"garbage", 0, func(a answer) answer {
			return changing(a, "lookup/", func([]byte) []byte { return []byte(page) })
		}, expect(mod(0)), plain, failed(upstream.Unavailable, with(300, 0, 1))},
		{"a lie", 100, func(a answer) answer { return changing(a, "lookup/", signedByAnother(t)) }, expect(mod(0)), plain, lied},

		{"offline", 0, same, expect(mod(0)), upstream.WithOffline, before},
		{"offline, and the known head is served", 0, same, ask("latest"), upstream.WithOffline, before},
		{"a source that is offline", 0, saying("", upstream.Error{Err: upstream.ErrOffline}), expect(mod(0)), plain, before},
		{"a shared call that was called off", 0, saying("", upstream.Error{Class: upstream.Canceled, Err: context.Canceled}), expect(mod(0)), plain, before},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				db := newDatabase(t)
				db.grow(t, 0, 300)
				e := newEngine(t, db, cache.NewMemory(nil))
				if diff := cmp.Diff(standing{Confirmed: never, Answered: never, Failed: never}, standingSince(t, start, e)); diff != "" {
					t.Errorf("before anything (-want +got):\n%s", diff)
				}
				e.wantSums(t, mod(299))
				time.Sleep(time.Minute)
				db.grow(t, 300, 300+test.grows)
				e.origin.answers(test.answer(db.answer))
				test.do(test.ctx(t.Context()), e)
				if diff := cmp.Diff(test.want, standingSince(t, start, e)); diff != "" {
					t.Errorf("standing (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A failure stays when the database is back; what is later says so.
func TestStandingRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		db := newDatabase(t)
		db.grow(t, 0, 300)
		e := newEngine(t, db, cache.NewMemory(nil))
		e.origin.answers(down)
		wantUnavailable(t, e, mod(0))
		time.Sleep(time.Minute)
		e.origin.answers(db.answer)
		e.wantSums(t, mod(0))
		want := standing{TreeSize: 300, Confirmed: 1, Answered: 1, Failed: 0, Class: upstream.Unavailable}
		if diff := cmp.Diff(want, standingSince(t, start, e)); diff != "" {
			t.Errorf("standing (-want +got):\n%s", diff)
		}
	})
}

// A source that answers with an older head than is known confirms nothing.
func TestStandingOfALaggingSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		db := newDatabase(t)
		db.grow(t, 0, 300)
		old := map[string][]byte{"latest": db.get(t, "latest"), lookup(mod(5)): db.get(t, lookup(mod(5)))}
		db.grow(t, 300, 310)
		e := newEngine(t, db, cache.NewMemory(nil))
		e.wantSums(t, mod(309))
		time.Sleep(time.Minute)
		e.origin.answers(func(ctx context.Context, resource string) ([]byte, error) {
			if data, ok := old[resource]; ok {
				return data, nil
			}
			return db.answer(ctx, resource)
		})
		e.wantSums(t, mod(5))
		if _, err := e.read(t.Context(), "latest"); err != nil {
			t.Error(err)
		}
		want := standing{TreeSize: 310, Confirmed: 0, Answered: 1, Failed: never}
		if diff := cmp.Diff(want, standingSince(t, start, e)); diff != "" {
			t.Errorf("standing (-want +got):\n%s", diff)
		}
	})
}

// While calls hang it is told at once; that their callers give up is no failure.
func TestStandingDuringAHang(t *testing.T) {
	for _, resource := range []string{"lookup/", "tile/", "latest"} {
		t.Run(resource, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newDatabase(t)
				db.grow(t, 0, 300)
				e := newEngine(t, db, cache.NewMemory(nil))
				e.wantSums(t, mod(299))
				db.grow(t, 300, 400)
				before := e.Standing()
				hang := func(ctx context.Context, asked string) ([]byte, error) {
					if strings.HasPrefix(asked, resource) {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return db.answer(ctx, asked)
				}
				e.origin.answers(hang)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				go e.Expect(ctx, mod(7), upstream.Zip)
				go e.read(ctx, "latest")
				synctest.Wait()
				e.Standing()
				time.Sleep(time.Minute)
				if after := e.Standing(); after.Failed != before.Failed || after.Err != nil {
					t.Errorf("failed at %v: %v", after.Failed, after.Err)
				}
			})
		})
	}
}
