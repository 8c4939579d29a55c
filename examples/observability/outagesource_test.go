package observability_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
)

// weather is how a server fares.
type weather int32

const (
	fine weather = iota
	slow         // answers come after slowness
	sick         // answers are 503
	dead         // connections are cut
	shut         // answers are 401
)

// slowness is so long that a few slow answers raise the mean above a second.
const slowness = 3 * time.Second

// A server is a server on the loopback interface in any weather.
type server struct {
	*httptest.Server
	now atomic.Int32
}

func newServer(t *testing.T, h http.Handler) *server {
	s := new(server)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch weather(s.now.Load()) {
		case slow:
			select {
			case <-time.After(slowness):
			case <-r.Context().Done():
			}
		case sick:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case shut:
			w.WriteHeader(http.StatusUnauthorized)
			return
		case dead:
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) set(now weather) { s.now.Store(int32(now)) }

// version is the one version that every module has.
const version = "v1.0.0"

// forged is in the path of modules whose go.mod is not what the database says.
const forged = "forged"

// serveGoMod answers as a source that has the go.mod of every module that anybody
// could think of.
func serveGoMod(w http.ResponseWriter, r *http.Request) {
	name, file, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
	if !ok || file != version+".mod" {
		http.NotFound(w, r)
		return
	}
	io.WriteString(w, goMod(name))
	if strings.Contains(name, forged) {
		io.WriteString(w, "\n// "+forged+"\n")
	}
}

func goMod(name string) string { return "module " + name + "\n" }

// newDatabase returns a checksum database that knows every module, and the key that
// verifies it.
func newDatabase(t *testing.T) (h http.Handler, key string) {
	t.Helper()
	signer, key, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		t.Fatal(err)
	}
	return sumdb.NewServer(sumdb.NewTestServer(signer, goSum)), key
}

// goSum returns what the database knows of a module: a zip would hold but the go.mod.
func goSum(name, version string) ([]byte, error) {
	hash := func(file string) (string, error) {
		return dirhash.Hash1([]string{file}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(goMod(name))), nil
		})
	}
	m := module.Version{Path: name, Version: version}
	zip, err := hash(path.Join(m.String(), "go.mod"))
	if err != nil {
		return nil, err
	}
	mod, err := hash("go.mod")
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", name, version, zip, name, version, mod), err
}

func TestDatabaseKnowsTheModules(t *testing.T) {
	h, _ := newDatabase(t)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/lookup/example.com/m@v1.0.0", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if want := []byte("example.com/m v1.0.0/go.mod h1:"); !bytes.Contains(w.Body.Bytes(), want) {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
