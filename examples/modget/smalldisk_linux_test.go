package main

import (
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// smallDisk mounts a file system of a few MiB: small DIR SIZE.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(syscall.Mount("none", dir, "tmpfs", 0, "size="+args[1]))
	ts.Defer(func() { ts.Check(syscall.Unmount(dir, syscall.MNT_DETACH)) })
}
