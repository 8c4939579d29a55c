package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

const dbName = "sum.example"

// testDatabase is a checksum database in memory: golang.org/x/mod's own server.
type testDatabase struct {
	signer, key string
	ops         sumdb.ServerOps
	handler     http.Handler
	other       func(path string) string // what makes the hashes of a module other ones
}

// newDatabase returns a database that has a record of every module that it is
// asked for, from the first time on, except of those below missing.example.
func newDatabase(t testing.TB) *testDatabase {
	t.Helper()
	signer, key, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	return (&testDatabase{signer: signer, key: key}).fork(func(string) string { return "" })
}

// fork returns a database with the same key and no records yet, in which the
// hashes of modules are other ones.
func (db *testDatabase) fork(other func(path string) string) *testDatabase {
	fork := &testDatabase{signer: db.signer, key: db.key, other: other}
	fork.serve(sumdb.NewTestServer(db.signer, fork.record))
	return fork
}

func (db *testDatabase) serve(ops sumdb.ServerOps) { db.ops, db.handler = ops, sumdb.NewServer(ops) }

func (db *testDatabase) record(path, version string) ([]byte, error) {
	if strings.HasPrefix(path, "missing.example/") {
		return nil, fs.ErrNotExist
	}
	m := module.Version{Path: path, Version: version}
	return fmt.Appendf(nil, "%[1]s %[2]s %[3]s\n%[1]s %[2]s/go.mod %[4]s\n", path, version, db.hash(m, "zip"), db.hash(m, "mod")), nil
}

func (db *testDatabase) hash(m module.Version, file string) string {
	sum := sha256.Sum256([]byte(m.String() + file + db.other(m.Path)))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}

func (db *testDatabase) sums(m module.Version) verify.Sums {
	return verify.Sums{Zip: []string{db.hash(m, "zip")}, Mod: []string{db.hash(m, "mod")}, By: dbName, SumDB: true}
}

// answer is what the database answers over HTTP.
func (db *testDatabase) answer(_ context.Context, resource string) (data []byte, err error) {
	defer func() {
		if recover() != nil { // the test server has no such tile yet
			data, err = nil, &upstream.Error{Class: upstream.NotFound, Status: http.StatusNotFound}
		}
	}()
	w := httptest.NewRecorder()
	db.handler.ServeHTTP(w, httptest.NewRequest("GET", "/"+resource, nil))
	switch w.Code {
	case http.StatusOK:
		return w.Body.Bytes(), nil
	case http.StatusNotFound:
		return nil, &upstream.Error{Class: upstream.NotFound, Status: w.Code}
	}
	return nil, &upstream.Error{Status: w.Code, Text: w.Body.String()}
}

// get is an answer that there must be.
func (db *testDatabase) get(t testing.TB, resource string) []byte {
	t.Helper()
	data, err := db.answer(t.Context(), resource)
	if err != nil {
		t.Fatalf("%s: %v", resource, err)
	}
	return data
}

// grow has the database take in the modules from mod(from) up to mod(to-1).
func (db *testDatabase) grow(t testing.TB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := db.ops.Lookup(t.Context(), mod(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// trusted is the database as it is trusted: by its key.
func (db *testDatabase) trusted(t testing.TB) *verify.Database {
	t.Helper()
	d, err := verify.ParseGOSUMDB(db.key)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// mod is the i-th of many modules.
func mod(i int) module.Version {
	return module.Version{Path: fmt.Sprintf("a.example/m%d", i), Version: "v1.0.0"}
}

// lookup is the resource for m.
func lookup(m module.Version) string {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		panic(err)
	}
	return "lookup/" + path + "@" + m.Version
}

// engine is a SumDB and what it works with.
type engine struct {
	*verify.SumDB
	db     *testDatabase
	origin *origin
	store  cache.Store

	mu     sync.Mutex
	events []verify.SecurityEvent
	struck []string
}

// newEngine returns an engine whose source is the database itself, and whose
// head counts as the latest only for the moment.
func newEngine(t testing.TB, db *testDatabase, store cache.Store) *engine {
	e := &engine{db: db, origin: &origin{name: "origin", answer: db.answer}, store: store}
	e.restart(t)
	return e
}

// restart makes a new SumDB on the same store.
func (e *engine) restart(t testing.TB) { e.SumDB = e.withTTL(t, -1) }

func (e *engine) withTTL(t testing.TB, ttl time.Duration) *verify.SumDB {
	return verify.NewSumDB(e.db.trusted(t), e.origin, e.store, &verify.SumDBOptions{
		LatestTTL: ttl,
		Logger:    slog.New(slog.DiscardHandler),
		OnSecurityEvent: func(event verify.SecurityEvent) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.events = append(e.events, event)
		},
		Strike: func(source string, _ error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.struck = append(e.struck, source)
		},
	})
}

// wantSums checks that the database's own sums are expected of each module.
func (e *engine) wantSums(t testing.TB, modules ...module.Version) {
	t.Helper()
	for _, m := range modules {
		got, err := e.Expect(t.Context(), m, upstream.Zip)
		if err != nil {
			t.Errorf("Expect(%s): %v", m, err)
			continue
		}
		if diff := cmp.Diff(e.db.sums(m), got); diff != "" {
			t.Errorf("Expect(%s) (-want +got):\n%s", m, diff)
		}
	}
}

// read is what the engine answers for a resource of its database.
func (e *engine) read(ctx context.Context, resource string) ([]byte, error) {
	req, err := upstream.NewSumDBRequest(dbName, resource)
	if err != nil {
		return nil, err
	}
	resp, err := e.Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// diskStore returns a store in a directory of its own.
func diskStore(t testing.TB) *cache.Disk {
	t.Helper()
	return diskStoreIn(t, t.TempDir())
}

func diskStoreIn(t testing.TB, dir string) *cache.Disk {
	t.Helper()
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// kept returns everything in a directory that a disk store keeps, but for its
// own files and evidence.
func kept(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(key string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(key, ".breakwater/") || strings.HasPrefix(key, "sumdb-evidence/") {
			return err
		}
		content, err := fs.ReadFile(root, key)
		files[key] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
