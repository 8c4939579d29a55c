package cache

import (
	"context"
	"io"
	"os"
	"testing"
)

// A file that cannot be written any more, as on a full disk, is left for one in
// the directory for temporary files.
func TestSpoolGoesOnElsewhere(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	s := NewSpool(0, dir)
	if _, err := io.WriteString(s, "before "); err != nil {
		t.Fatal(err)
	}
	early := s.Reader(context.Background())
	readOnly, err := os.Open(s.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readOnly.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	s.file.Close()
	s.file = readOnly
	if _, err := io.WriteString(s, "and after"); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	late := s.Reader(context.Background())
	for name, r := range map[string]*SpoolReader{"early": early, "late": late} {
		if got, err := io.ReadAll(r); err != nil || string(got) != "before and after" {
			t.Errorf("the %s reader reads %q, %v", name, got, err)
		}
		r.Close()
	}
	s.Close()
	for _, d := range []string{dir, elsewhere} {
		if files, err := os.ReadDir(d); err != nil || len(files) != 0 {
			t.Errorf("left in %s: %v, %v", d, files, err)
		}
	}
}
