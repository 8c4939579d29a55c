package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePeer(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePeer(" mine =" + self + "  -at={addr} -db={sumdb} A=B")
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		Name, Setting string
		Command       []string
	}
	want := told{
		Name:    "mine",
		Setting: filepath.Base(self) + " -at={addr} -db={sumdb} A=B", // no directory of this machine
		Command: []string{self, "-at={addr}", "-db={sumdb}", "A=B"},
	}
	if diff := cmp.Diff(want, told{p.name, p.setting, p.command}); diff != "" {
		t.Errorf("the peer (-want +got):\n%s", diff)
	}
}

// What is filled in may have spaces: it stays one argument.
func TestFill(t *testing.T) {
	at := place{"addr": "127.0.0.1:1", "sumdb": "sum.example.com http://127.0.0.1:2"}
	for text, want := range map[string]string{
		"-at={addr}":      "-at=127.0.0.1:1",
		"{sumdb}|{addr}":  "sum.example.com http://127.0.0.1:2|127.0.0.1:1",
		"{none} and {it}": "{none} and {it}",
		"":                "",
	} {
		if got := at.fill(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
