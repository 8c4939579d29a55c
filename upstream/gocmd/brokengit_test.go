package gocmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// TestGitThatCannotStart: a git that is killed before it does anything, as where
// memory runs out, proves neither the absence of a version nor that of its
// go.mod file. It changes PATH, so it is not parallel.
func TestGitThatCannotStart(t *testing.T) {
	w := newWorld(t)
	w.populate(t)
	real, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	for command, req := range map[string]upstream.Request{
		"cat-file":      request(t, upstream.Mod, "go.corp.example/lib", "v1.0.0"), // the go command makes up a file
		"init":          request(t, upstream.Mod, "go.corp.example/lib", "v1.9.0"),
		"ls-remote":     request(t, upstream.Mod, "go.corp.example/lib", "v1.9.0"),
		"fetch":         request(t, upstream.Mod, "go.corp.example/lib", "v1.0.0"), // the tag is there
		"tag -l":        request(t, upstream.Mod, "go.corp.example/lib", "v1.9.0"),
		"archive":       request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0"),
		"format=format": request(t, upstream.Mod, "go.corp.example/lib", "v1.0.0"), // git log, after the transfer
	} {
		t.Run(command, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "git"), `#!/bin/sh
case "$*" in *`+command+`*) kill -9 $$ ;; esac
exec `+real+` "$@"
`)
			if err := os.Chmod(filepath.Join(dir, "git"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			body, err := get(t, w.source(t, nil), req)
			if err == nil || upstream.ClassOf(err) != upstream.Unavailable {
				t.Errorf("the error is %v, want unavailable (the body is %q)", err, body)
			}
		})
	}
}
