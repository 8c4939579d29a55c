package verify_test

import (
	archive "archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// entry is an entry of a zip. Without lies it is written as the go command does:
// deflated, its CRC after it.
type entry struct {
	name, content string
	stored        bool
	deflated      []byte                       // if done already
	lie           func(*archive.FileHeader)    // what the zip says of it
	damage        func(deflated []byte) []byte // what is there
}

// zipOf makes a zip of entries.
func zipOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	writeEntries(t, &b, entries)
	return b.String()
}

// writeZip makes a zip file of entries and returns its name.
func writeZip(t testing.TB, entries ...entry) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "m.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	writeEntries(t, f, entries)
	return name
}

func writeEntries(t testing.TB, to io.Writer, entries []entry) {
	t.Helper()
	w := archive.NewWriter(to)
	for _, e := range entries {
		if err := e.write(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func (e entry) write(w *archive.Writer) error {
	header := archive.FileHeader{Name: e.name, Method: archive.Deflate}
	if e.stored {
		header.Method = archive.Store
	}
	if e.deflated != nil || e.lie != nil || e.damage != nil {
		return e.writeRaw(w, header)
	}
	f, err := w.CreateHeader(&header)
	if err == nil {
		_, err = io.WriteString(f, e.content)
	}
	return err
}

func (e entry) writeRaw(w *archive.Writer, header archive.FileHeader) error {
	data := e.deflated
	switch {
	case e.stored:
		data = []byte(e.content)
	case data == nil:
		data = deflated(e.content)
	}
	header.CRC32 = crc32.ChecksumIEEE([]byte(e.content))
	header.UncompressedSize64 = uint64(len(e.content))
	if e.damage != nil {
		data = e.damage(data)
	}
	header.CompressedSize64 = uint64(len(data))
	if e.lie != nil {
		e.lie(&header)
	}
	f, err := w.CreateRaw(&header)
	if err == nil {
		_, err = f.Write(data)
	}
	return err
}

func deflated(content string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	io.WriteString(w, content)
	w.Close()
	return b.Bytes()
}

// zerosDeflated is a megabyte of zeros times n, and what it deflates to. It is
// made in no time.
func zerosDeflated(n int) (content string, deflated []byte) {
	megabyte := make([]byte, 1<<20)
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	w.Write(megabyte)
	w.Flush()
	once := bytes.Clone(b.Bytes())
	b.Reset()
	w.Close()
	return strings.Repeat(string(megabyte), n), append(bytes.Repeat(once, n), b.Bytes()...)
}

// dirHashOf is the go command's hash of a zip, by way of a file.
func dirHashOf(t testing.TB, content string) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "m.zip")
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return dirHash(name)
}

func dirHash(name string) (string, error) { return dirhash.HashZip(name, dirhash.Hash1) }
