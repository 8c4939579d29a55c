//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// What a peer has started ends with it, also if it does not care for its children.
func TestNothingIsLeftRunning(t *testing.T) {
	inTemporary(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "peer")
	content := "#!/bin/sh\n\"$0.exe\" " + serveCommand + " " + child + " $2/child &\nexec \"$0.exe\" " + serveCommand + " $1 $2\n"
	if err := os.WriteFile(script, []byte(content), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, script+".exe"); err != nil {
		t.Fatal(err)
	}
	p, err := parsePeer("script=" + script + " {addr} {dir}")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCatalog()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStage(t.Context(), c, p, scenario{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.running.ready(t.Context(), child); err != nil {
		t.Error(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	for _, address := range []string{s.at["addr"], child, s.primary.address, s.mirror.address, s.database.address} {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("somebody still listens on %s", address)
		}
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the directory of the stage is left: %v", err)
	}
}
