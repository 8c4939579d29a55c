package upstream_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// failing is a file system in which every name gives the same error.
type failing struct{ err error }

func (f failing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

// huge is a file system whose files all claim to have size bytes.
type huge struct {
	fs.FS
	size int64
}

func (h huge) Open(name string) (fs.File, error) {
	f, err := h.FS.Open(name)
	return hugeFile{f, h.size}, err
}

type hugeFile struct {
	fs.File
	size int64
}

func (f hugeFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return hugeInfo{info, f.size}, err
}

type hugeInfo struct {
	fs.FileInfo
	size int64
}

func (i hugeInfo) Size() int64 { return i.size }

func TestFSAnswer(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	u := upstream.FS("embedded", fstest.MapFS{
		"github.com/!x/@v/v1.0.0.mod": {Data: []byte("module github.com/X\n"), ModTime: at},
	})
	resp, err := u.Fetch(t.Context(), request(t, "github.com/!x/@v/v1.0.0.mod"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := readBody(resp)
	resp.Body = nil
	want := &upstream.Response{Size: 20, ModTime: at, Source: "embedded"}
	if diff := cmp.Diff(want, resp); diff != "" || body != "module github.com/X\n" || err != nil {
		t.Errorf("body %q, error %v, response (-want +got):\n%s", body, err, diff)
	}
}

func TestFSFailures(t *testing.T) {
	const key = "a.b/c/@latest"
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	file := fstest.MapFS{key: {Data: []byte("x")}}
	limit := request(t, key).Kind().MaxSize()
	tests := []struct {
		name  string
		fsys  fs.FS
		ctx   context.Context
		class upstream.Class
	}{
		{"absent", fstest.MapFS{"other": {}}, t.Context(), upstream.NotFound},
		{"empty", fstest.MapFS{}, t.Context(), upstream.NotFound},
		{"root is missing", failing{fs.ErrNotExist}, t.Context(), upstream.Unavailable},
		{"permission", failing{fs.ErrPermission}, t.Context(), upstream.Denied},
		{"broken", failing{fs.ErrInvalid}, t.Context(), upstream.Unavailable},
		{"directory", fstest.MapFS{key + "/x": {}}, t.Context(), upstream.Unavailable},
		{"device", fstest.MapFS{key: {Mode: fs.ModeDevice}}, t.Context(), upstream.Unavailable},
		{"too large", huge{file, limit + 1}, t.Context(), upstream.Unavailable},
		{"caller has gone", file, gone, upstream.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := upstream.FS("src", test.fsys).Fetch(test.ctx, request(t, key))
			e := wantError(t, err, test.class)
			if e.Source != "src" || e.Request != request(t, key) || e.Err == nil {
				t.Errorf("error is %#v, want source, request and cause", e)
			}
		})
	}
	if _, err := upstream.FS("src", huge{file, limit}).Fetch(t.Context(), request(t, key)); err != nil {
		t.Errorf("a file of the largest size allowed: %v", err)
	}
}

func TestDir(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not yet")
	u := upstream.Dir(root)
	req := request(t, "github.com/!x/@v/v1.0.0.info")

	// A disk that is not mounted does not prove that a module does not exist.
	_, err := u.Fetch(t.Context(), req)
	wantError(t, err, upstream.Unavailable)

	name := filepath.Join(root, filepath.FromSlash(req.Key()))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = u.Fetch(t.Context(), req)
	wantError(t, err, upstream.NotFound)

	if err := os.WriteFile(name, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	resp, err := u.Fetch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := resp.Body.(*os.File); !ok {
		t.Errorf("body is %T; only an *os.File can be sent without copying", resp.Body)
	}
	if body, err := readBody(resp); body != "{}" || err != nil {
		t.Errorf("body %q, error %v", body, err)
	}
	if want := "file://" + filepath.ToSlash(root); resp.Source != want {
		t.Errorf("source is %q, want %q", resp.Source, want)
	}
}

func TestGOPROXYFile(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "with space", "a.b", "@v"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "with space", "a.b", "@v", "list"), []byte("v1.0.0\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	u, err := upstream.NewGOPROXY("file://"+filepath.ToSlash(root)+"/with%20space", nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@v/list")); err != nil || string(data) != "v1.0.0\n" {
		t.Errorf("list is %q, error %v", data, err)
	}
}
