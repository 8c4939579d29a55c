//go:build unix

package readme_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// databaseName is the name of the scripts' checksum database.
const databaseName = "sum.example.com"

// A database is a checksum database over all modules that there are.
type database struct {
	verifierKey string
	handler     http.Handler
}

func newDatabase(t *testing.T, m *modules) *database {
	t.Helper()
	signer, verifier, err := note.GenerateKey(nil, databaseName)
	if err != nil {
		t.Fatal(err)
	}
	records := sumdb.NewTestServer(signer, m.goSum)
	// No database that is in use is empty.
	if _, err := records.Lookup(t.Context(), module.Version{Path: ourModule, Version: ourVersion}); err != nil {
		t.Fatal(err)
	}
	return &database{verifierKey: verifier, handler: sumdb.NewServer(records)}
}

// A source is a module proxy on the loopback interface, with the checksum
// database behind it, whose weather a script makes.
type source struct {
	modules  *modules
	database *database
	server   *httptest.Server
	weather  atomic.Pointer[string]
}

func newSource(m *modules, db *database) *source {
	s := &source{modules: m, database: db}
	s.become("up")
	s.server = httptest.NewServer(s)
	return s
}

// become changes the weather: "up" is fair; "down" breaks every connection;
// "lying" changes go.mod files and serves them as if nothing were; "login" answers
// everything with a page; "forbidding" refuses everything; "unproven" has no checksum
// database.
func (s *source) become(weather string) { s.weather.Store(&weather) }

func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	weather := *s.weather.Load()
	switch weather {
	case "down":
		panic(http.ErrAbortHandler)
	case "login":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><title>Log in</title>")
		return
	case "forbidding":
		http.Error(w, "this version has not been approved", http.StatusForbidden)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/")
	if rest, ok := strings.CutPrefix(key, "sumdb/"+databaseName); ok {
		if weather == "unproven" {
			panic(http.ErrAbortHandler)
		}
		s.serveDatabase(w, r, rest)
		return
	}
	data, err := s.modules.read(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "not found: "+key, http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case weather == "lying" && strings.HasSuffix(key, ".mod"):
		w.Write(append(data, "// changed on the way\n"...))
	default:
		w.Write(data)
	}
}

func (s *source) serveDatabase(w http.ResponseWriter, r *http.Request, path string) {
	if path == "/supported" {
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path = path
	s.database.handler.ServeHTTP(w, r)
}
