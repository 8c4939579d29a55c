package verify_test

import (
	archive "archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// file is a file of a module, for zip.Create.
type file struct{ path, content string }

func (f file) Path() string                 { return f.path }
func (f file) Lstat() (os.FileInfo, error)  { return f.fs().Stat("f") }
func (f file) Open() (io.ReadCloser, error) { return f.fs().Open("f") }
func (f file) fs() fs.StatFS                { return fstest.MapFS{"f": {Data: []byte(f.content)}} }

// moduleZip makes a module zip the way that the go command does.
func moduleZip(t testing.TB, path, version string, files ...file) string {
	t.Helper()
	var list []zip.File
	for _, f := range files {
		list = append(list, f)
	}
	var b bytes.Buffer
	if err := zip.Create(&b, module.Version{Path: path, Version: version}, list); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// goodZip is the zip of a.example/m@v1.0.0.
func goodZip(t testing.TB) string {
	t.Helper()
	return moduleZip(t, "a.example/m", "v1.0.0",
		file{"go.mod", "module a.example/m\n"}, file{"m.go", "package m\n"}, file{"internal/x/x.go", "package x\n"})
}

// rawZip makes a zip of empty files that need not be in any way proper.
func rawZip(t testing.TB, names ...string) string {
	t.Helper()
	headers := make([]archive.FileHeader, len(names))
	for i, name := range names {
		headers[i].Name = name
	}
	return headerZip(t, headers...)
}

// headerZip makes a zip of empty files whose headers may claim anything.
func headerZip(t testing.TB, headers ...archive.FileHeader) string {
	t.Helper()
	var b bytes.Buffer
	w := archive.NewWriter(&b)
	for i := range headers {
		if _, err := w.CreateRaw(&headers[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// claiming is the header of a file that claims to unpack to size bytes.
func claiming(name string, size uint64) archive.FileHeader {
	return archive.FileHeader{Name: name, Method: archive.Deflate, UncompressedSize64: size}
}
