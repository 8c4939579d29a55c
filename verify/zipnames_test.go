package verify_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A small zip with names of many elements costs x/mod gigabytes: it is refused
// before that.
func TestZipNamesAreBounded(t *testing.T) {
	const prefix = "a.example/m@v1.0.0/"
	tests := map[string][]string{
		"one very long name": {prefix + strings.Repeat("A/", 30_000) + "x"},
		"many deep names":    nil,
	}
	for i := range 4_000 {
		tests["many deep names"] = append(tests["many deep names"], prefix+strings.Repeat("d/", 200)+string(rune('a'+i%26)))
	}
	for name, names := range tests {
		var data bytes.Buffer
		w := zip.NewWriter(&data)
		for _, n := range names {
			if _, err := w.CreateHeader(&zip.FileHeader{Name: n}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		spool := cache.NewSpool(0)
		if _, err := io.Copy(spool, &data); err != nil {
			t.Fatal(err)
		}
		if err := spool.Finish(); err != nil {
			t.Fatal(err)
		}
		req, err := upstream.NewRequest(upstream.Zip, "a.example/m", "v1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		if err := verify.CheckStructure(req, spool); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("%s: %v", name, err)
		}
		spool.Close()
	}
}
