package verify_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

const (
	infoKey = "a.example/m/@v/v1.0.0.info"
	modKey  = "a.example/m/@v/v1.0.0.mod"
	zipKey  = "a.example/m/@v/v1.0.0.zip"
)

// request returns the Request with the given key.
func request(t testing.TB, key string) upstream.Request {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatalf("ParsePath(/%s): %v", key, err)
	}
	return req
}

// body is a source's body that counts what is done to it. After its content it
// ends with err, or well if that is nil.
type body struct {
	content io.Reader
	err     error
	read    int64
	closed  int
}

func newBody(content string) *body { return &body{content: strings.NewReader(content)} }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	b.read += int64(n)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

func (b *body) Close() error { b.closed++; return nil }

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// answering returns a source that answers with b, announcing its size.
func answering(b io.ReadCloser, size int64) upstream.Upstream {
	return upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: b, Size: size, Source: "proxy"}, nil
	})
}

// spoolsIn returns a maker of spools whose files are in dir.
func spoolsIn(dir string) func(memory int64) *cache.Spool {
	return func(memory int64) *cache.Spool { return cache.NewSpool(memory, dir) }
}

// useTempDir makes a new directory the one for temporary files.
func useTempDir(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	setTempDir(t, dir)
	return dir
}

// breakTempDir makes it impossible to make a temporary file.
func breakTempDir(t *testing.T) { setTempDir(t, filepath.Join(t.TempDir(), "missing")) }

func setTempDir(t *testing.T, dir string) {
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
}

// wantFiles checks how many files are in dir.
func wantFiles(t testing.TB, dir string, want int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != want {
		t.Errorf("%d temporary files, want %d: %v", len(files), want, files)
	}
}

// wantBlame checks that err is an *upstream.Error of the given class that
// blames source, and does not read as absence.
func wantBlame(t testing.TB, err error, class upstream.Class, source string) {
	t.Helper()
	e, ok := err.(*upstream.Error)
	if !ok {
		t.Fatalf("error is %T, want an *upstream.Error: %v", err, err)
	}
	if e.Class != class || e.Source != source || e.Request.Kind() == 0 {
		t.Errorf("class %q, source %q, request %q; want class %q, source %q: %v", e.Class, e.Source, e.Request, class, source, err)
	}
	if errors.Is(err, os.ErrNotExist) {
		t.Errorf("reads as absence: %v", err)
	}
}
