package verify_test

import (
	"context"
	"io"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// signed returns a source of that name that gives a database's answers, behind
// the middleware that belongs around it.
func (e *engine) signed(t testing.TB, name string, answer func(context.Context, string) ([]byte, error)) upstream.Upstream {
	return upstream.Chain(&origin{name: name, answer: answer}, e.Signed(), verify.Structure(), verify.Spooled(&verify.SpoolOptions{New: spoolsIn(t.TempDir())}))
}

func readAll(resp *upstream.Response) (string, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// A tree head that the database did not sign is the failure of the source that
// sends it, and the next one is asked. It is reported.
func TestSigned(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	for _, resource := range []string{"latest", lookup(mod(7))} {
		t.Run(resource, func(t *testing.T) {
			e := newEngine(t, db, cache.NewMemory(nil))
			req := request(t, "sumdb/"+dbName+"/"+resource)
			liar := e.signed(t, "liar", changing(db.answer, "l", signedByAnother(t)))
			_, err := liar.Fetch(t.Context(), req)
			if e := upstream.AsError(err, req, ""); e == nil || e.Class != upstream.Untrusted || e.Source != "liar" {
				t.Errorf("want the liar to be blamed: %v", err)
			}
			if len(e.events) != 1 || e.events[0].Source != "liar" || e.events[0].Database != dbName || e.events[0].Key == "" {
				t.Errorf("want an event that names the liar: %+v", e.events)
			}
			honest := e.signed(t, "honest", db.answer)
			resp, err := upstream.Mirrors(liar, honest).Fetch(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAll(resp)
			if err != nil || resp.Source != "honest" {
				t.Errorf("from %q: %v", resp.Source, err)
			}
			if diff := cmp.Diff(string(db.get(t, resource)), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(e.struck) != 0 {
				t.Errorf("%v is struck for what its circuit has seen", e.struck)
			}
		})
	}
}

// The engine asks through sources each of which is checked: one that lies is in
// nobody's way.
func TestSignedBehindTheEngine(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	sources := upstream.Mirrors(e.signed(t, "liar", changing(db.answer, "l", signedByAnother(t))), e.signed(t, "honest", db.answer))
	e.SumDB = verify.NewSumDB(db.trusted(t), sources, e.store, nil)
	e.wantSums(t, mod(7), mod(299))
}

// What has no signature, or is not of the database, is not looked at.
func TestSignedLetsThrough(t *testing.T) {
	db, other := newDatabase(t), newDatabase(t)
	db.grow(t, 0, 300)
	other.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	for _, test := range []struct {
		name, key string
		answer    []byte
	}{
		{"a tile", "sumdb/" + dbName + "/tile/8/0/000", other.get(t, "tile/8/0/000")},
		{"supported", "sumdb/" + dbName + "/supported", nil},
		{"another database's head", "sumdb/other.example/latest", other.get(t, "latest")},
		{"another database's record", "sumdb/other.example/" + lookup(mod(7)), other.get(t, lookup(mod(7)))},
		{"a module's file", modKey, []byte(honestMod)},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := e.signed(t, "source", func(context.Context, string) ([]byte, error) { return test.answer, nil })
			resp, err := u.Fetch(t.Context(), request(t, test.key))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readAll(resp); err != nil || got != string(test.answer) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	_, err := e.signed(t, "source", down).Fetch(t.Context(), request(t, "sumdb/"+dbName+"/latest"))
	if upstream.ClassOf(err) != upstream.Unavailable || len(e.events) != 0 {
		t.Errorf("an outage is no lie: %v %v", err, e.events)
	}
}

// What is not spooled cannot be read twice, and does not pass unchecked.
func TestSignedWantsSpools(t *testing.T) {
	db := newDatabase(t)
	db.grow(t, 0, 300)
	e := newEngine(t, db, cache.NewMemory(nil))
	req := request(t, "sumdb/"+dbName+"/latest")
	resp, err := e.Signed()(&origin{name: "plain", answer: db.answer}).Fetch(t.Context(), req)
	if err == nil {
		resp.Body.Close()
		t.Fatal("it passed")
	}
	if e := upstream.AsError(err, req, ""); e.Source != "plain" {
		t.Errorf("want the source to be named: %v", err)
	}
}
