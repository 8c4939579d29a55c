package main

import "testing"

// Both sides come to the hash of the zip, which they compare themselves.
func TestHashing(t *testing.T) {
	e := &env{quick: true, dir: t.TempDir()}
	m, err := e.module("small", 20_000)
	if err != nil {
		t.Fatal(err)
	}
	s, err := hashingSides(m.file(m.key("zip")), 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.round(t.Context(), true); err != nil {
		t.Error(err)
	}
	if _, err := hashFile(m.file(m.key("mod"))); err == nil {
		t.Error("a go.mod file has the hash of a zip")
	}
}
