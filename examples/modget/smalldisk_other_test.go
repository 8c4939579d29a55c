//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// smallDisk is for scripts that ask whether they may mount.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	ts.Fatalf("nothing can be mounted here")
}
