package verify_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"
)

// wantUntrusted checks that nothing is expected of m, because somebody lied.
func (e *engine) wantUntrusted(t testing.TB, m module.Version) {
	t.Helper()
	sums, err := e.Expect(t.Context(), m, upstream.Zip)
	if upstream.ClassOf(err) != upstream.Untrusted {
		t.Errorf("Expect(%s) = %v, want an error of class %q: %v", m, sums, upstream.Untrusted, err)
	}
}

// wantKept checks what is in the disk store, evidence apart.
func (e *engine) wantKept(t testing.TB, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, kept(t, e.store.(*cache.Disk).Dir())); diff != "" {
		t.Errorf("the store (-want +got):\n%s", diff)
	}
}

// wantEvent checks that there was one security event, with evidence in the
// store that quotes what was delivered, and that the source was struck.
func (e *engine) wantEvent(t testing.TB, quote string) {
	t.Helper()
	e.mu.Lock()
	events, struck := e.events, e.struck
	e.events, e.struck = nil, nil
	e.mu.Unlock()
	if len(events) != 1 {
		t.Fatalf("%d security events, want 1: %v", len(events), events)
	}
	if diff := cmp.Diff([]string{"origin"}, struck); diff != "" {
		t.Errorf("sources struck (-want +got):\n%s", diff)
	}
	event := events[0]
	if event.Database != dbName || event.Source != "origin" || event.Err == nil {
		t.Errorf("the event names database %q, source %q, error %v", event.Database, event.Source, event.Err)
	}
	stored, meta, err := cache.ReadSmall(t.Context(), e.store, event.Key)
	if err != nil {
		t.Fatalf("the evidence: %v", err)
	}
	if !strings.Contains(string(stored), quote) || !bytes.Contains(bytes.Join(event.Evidence, nil), []byte(quote)) {
		t.Errorf("the evidence does not quote\n%s\nstored:\n%s\nevent: %q", quote, stored, event.Evidence)
	}
	if meta.Verified != "" {
		t.Errorf("evidence is marked as verified by %s", meta.Verified)
	}
}

// signedByAnother replaces the signature of a tree head, at the end of an answer.
func signedByAnother(t *testing.T) func([]byte) []byte {
	signer, _, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(signer)
	if err != nil {
		t.Fatal(err)
	}
	return func(answer []byte) []byte {
		i := bytes.Index(answer, []byte("go.sum database tree\n"))
		text, _, _ := strings.Cut(string(answer[i:]), "\n\n")
		msg, err := note.Sign(&note.Note{Text: text + "\n"}, s)
		if err != nil {
			t.Error(err)
		}
		return append(answer[:i:i], msg...)
	}
}

// Whoever lies about what the database says is found out: nothing of what he
// said is kept, it is kept as evidence; what was verified before stays verified,
// and true answers are taken afterwards.
func TestLies(t *testing.T) {
	asked := mod(300)
	for _, test := range []struct {
		name  string
		lie   func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error)
		quote string
	}{
		{"a look-up signed by another key", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return changing(e.db.answer, "lookup/", signedByAnother(t))
		}, "go.sum database tree\n301\n"},
		{"a look-up without a signature", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return changing(e.db.answer, "lookup/", func(b []byte) []byte {
				return b[:bytes.Index(b, []byte("\n— "))+1]
			})
		}, "go.sum database tree"},
		{"a record that is not the one in the tree", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return changing(e.db.answer, "lookup/", func(b []byte) []byte {
				return bytes.ReplaceAll(b, []byte("h1:"), []byte("h1:x"))
			})
		}, asked.Path},
		{"a record at another record's place", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return changing(e.db.answer, "lookup/", func(b []byte) []byte {
				_, rest, _ := bytes.Cut(b, []byte("\n"))
				return append([]byte("17\n"), rest...)
			})
		}, asked.Path},
		{"a record beyond the tree", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return changing(e.db.answer, "lookup/", func(b []byte) []byte {
				_, rest, _ := bytes.Cut(b, []byte("\n"))
				return append([]byte("301\n"), rest...)
			})
		}, asked.Path},
		{"a record with an older head that is before it", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			older := e.db.get(t, "latest")
			return changing(e.db.answer, "lookup/", func(b []byte) []byte {
				i := bytes.Index(b, []byte("go.sum database tree\n"))
				return append(b[:i:i], older...)
			})
		}, asked.Path},
		{"another module's record", func(t *testing.T, e *engine) func(context.Context, string) ([]byte, error) {
			return func(ctx context.Context, resource string) ([]byte, error) {
				if strings.HasPrefix(resource, "lookup/") {
					resource = lookup(mod(5))
				}
				return e.db.answer(ctx, resource)
			}
		}, mod(5).Path},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.grow(t, 0, 300)
			e := newEngine(t, db, diskStore(t))
			e.wantSums(t, mod(0), mod(299))
			before := kept(t, e.store.(*cache.Disk).Dir())

			e.origin.answers(test.lie(t, e))
			e.wantUntrusted(t, asked)
			e.wantEvent(t, test.quote)
			e.wantNothingNew(t, before, asked)

			e.wantSameOffline(t, mod(0), mod(299))
			e.origin.answers(e.db.answer)
			e.wantSums(t, asked)
		})
	}
}

// wantNothingNew checks that the store holds what it did, apart from a head
// that is properly signed, of the same history, and the tiles that prove it.
func (e *engine) wantNothingNew(t testing.TB, before map[string]string, asked module.Version) {
	t.Helper()
	now := kept(t, e.store.(*cache.Disk).Dir())
	for key, content := range now {
		resource := strings.TrimPrefix(key, "sumdb/"+dbName+"/")
		switch {
		case before[key] == content:
		case resource == "latest", strings.HasPrefix(resource, "tile/"):
			if honest := string(e.db.get(t, resource)); content != honest {
				t.Errorf("%s is not the database's:\n%q\nwant\n%q", key, content, honest)
			}
		default:
			t.Errorf("%s is new: %q", key, content)
		}
	}
	for key := range before {
		if _, ok := now[key]; !ok {
			t.Errorf("%s is gone", key)
		}
	}
	if _, ok := now["sumdb/"+dbName+"/"+lookup(asked)]; ok {
		t.Errorf("there is a record of %s", asked)
	}
}

// wantSameOffline checks that a new SumDB on the store knows the modules without
// asking, and answers look-ups with a head.
func (e *engine) wantSameOffline(t testing.TB, modules ...module.Version) {
	t.Helper()
	e.origin.take()
	later := newEngine(t, e.db, e.store)
	later.origin = e.origin
	later.origin.answers(down)
	later.restart(t)
	later.wantSums(t, modules...)
	newGoClient(t, later).wantLookups(t, modules...)
	e.origin.wantAsked(t)
}
