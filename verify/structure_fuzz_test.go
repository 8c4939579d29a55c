package verify_test

import (
	archive "archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Whatever a source sends, checking it does not panic and leaves no file, and a
// zip that passes is safe to unpack.
func FuzzCheckStructure(f *testing.F) {
	keys := []string{
		"a.example/m/@v/list", "a.example/m/@latest", infoKey, "a.example/m/@v/main.info", modKey, zipKey,
		"sumdb/sum.example/supported", "sumdb/sum.example/latest", "sumdb/sum.example/lookup/a.example/m@v1.0.0",
		"sumdb/sum.example/tile/8/0/000.p/1", "sumdb/sum.example/tile/8/data/000.p/1",
	}
	get := database(f, 1)
	seeds := []string{
		"", "v1.0.0\n", "v1.0.0 2026-01-02T03:04:05Z\n", `{"Version":"v1.0.0"}`, "module a.example/m\n", goodZip(f),
		rawZip(f, "a.example/m@v1.0.0/", "a.example/m@v1.0.0/d/", "a.example/m@v1.0.0/d/../f"),
		headerZip(f, claiming("a.example/m@v1.0.0/f", 1<<40)),
		get("latest"), get("lookup/a.example/m@v1.0.0"), get("tile/8/0/000.p/1"), get("tile/8/data/000.p/1"),
		page, message, binary,
	}
	for kind := range keys {
		for _, seed := range seeds {
			f.Add(uint8(kind), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, content []byte) {
		key := keys[int(kind)%len(keys)]
		spool := cache.NewSpool(1 << 20)
		defer spool.Close()
		if _, err := spool.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := spool.Finish(); err != nil {
			t.Fatal(err)
		}
		if err := verify.CheckStructure(request(t, key), spool); err != nil || key != zipKey {
			return
		}
		name, err := spool.FileName()
		if err != nil {
			t.Fatal(err)
		}
		checkUnpacks(t, name, content)
	})
}

// checkUnpacks unpacks a zip that was found good. Its content may still be
// corrupt, which unpacking finds out; but nothing may leave the directory or be
// larger than was claimed.
func checkUnpacks(t *testing.T, name string, content []byte) {
	r, err := archive.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatalf("not a zip: %v", err)
	}
	var claimed uint64
	for _, entry := range r.File {
		inside, ok := strings.CutPrefix(entry.Name, "a.example/m@v1.0.0/")
		if !ok || inside != "" && !filepath.IsLocal(inside) {
			t.Errorf("%q is not inside the module", entry.Name)
		}
		if !strings.HasSuffix(entry.Name, "/") {
			claimed += entry.UncompressedSize64
		}
	}
	if claimed > zip.MaxZipFile {
		t.Errorf("it claims to hold %d bytes", claimed)
	}
	if claimed > 1<<20 {
		return // too slow
	}
	dir := t.TempDir()
	if zip.Unzip(filepath.Join(dir, "m"), module.Version{Path: "a.example/m", Version: "v1.0.0"}, name) != nil {
		return
	}
	var unpacked uint64
	err = fs.WalkDir(os.DirFS(dir), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		unpacked += uint64(info.Size())
		return err
	})
	if err != nil || unpacked != claimed {
		t.Errorf("unpacked %d bytes, error %v; it claimed %d", unpacked, err, claimed)
	}
}
