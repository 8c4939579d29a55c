//go:build linux

package gocmd_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// TestCrowd: of 200 requests at once half are given up at random moments, and
// nothing is left of them: no process, dead or alive, no file, no descriptor and
// no goroutine. It is not parallel, so that all that it counts is its own.
func TestCrowd(t *testing.T) {
	before := descriptors(t)
	w := newWorld(t)
	w.populate(t)
	dir := t.TempDir()
	opts := w.options(dir)
	opts.Concurrency = 8
	s, err := gocmd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var reqs []upstream.Request
	for path, list := range versions {
		reqs = append(reqs, request(t, upstream.List, path, ""))
		for _, v := range list {
			reqs = append(reqs, request(t, upstream.Mod, path, v), request(t, upstream.Zip, path, v))
		}
	}
	var all sync.WaitGroup
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		if i%2 == 1 {
			time.AfterFunc(rand.N(4*time.Second), cancel)
		}
		all.Go(func() {
			defer cancel()
			err := drain(ctx, s, reqs[i%len(reqs)])
			if err != nil && (i%2 == 0 || upstream.ClassOf(err) != upstream.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes are left before Close: %q", left)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	w.server.Close()
	w.plain.Close()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d directories are left", len(left))
	}
	if left := zombies(t); len(left) > 0 {
		t.Errorf("children were not waited for: %q", left)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d file descriptors are open, and were %d", after, before)
	}
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("upstream/gocmd.(")) {
		t.Errorf("goroutines are left:\n%s", stacks)
	}
}

// TestCloseEndsEverything: Close does not wait for commands to end by themselves.
func TestCloseEndsEverything(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	command := filepath.Join(t.TempDir(), "go")
	write(t, command, `#!/bin/sh
trap '' TERM
sh -c 'trap "" TERM; while :; do sleep 1000; done' &
touch "$TMPDIR/started"
while :; do sleep 1000; done
`)
	if err := os.Chmod(command, 0o755); err != nil {
		t.Fatal(err)
	}
	opts := w.options(dir)
	opts.Go = command
	s, err := gocmd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, err := s.Fetch(context.Background(), request(t, upstream.List, "go.corp.example/lib", ""))
		if upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("the error is %v, want canceled", err)
		}
	})
	for started := []string{}; len(started) == 0; runtime.Gosched() {
		started, _ = filepath.Glob(filepath.Join(dir, "*", "*", "tmp", "started"))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	waiting.Wait()
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

// processesOf returns the processes whose environment names dir.
func processesOf(t *testing.T, dir string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil && bytes.Contains(data, []byte(dir)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			found = append(found, string(line))
		}
	}
	return found
}

// zombies returns the children of this process that ended and were not waited
// for.
func zombies(t *testing.T) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			found = append(found, string(data))
		}
	}
	return found
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestDiskIsReclaimed: what failed leaves nothing, and what succeeded leaves a
// workspace for the next request, but no answer.
func TestDiskIsReclaimed(t *testing.T) {
	w := newWorld(t)
	w.populate(t)
	var dir string
	s := w.source(t, func(o *gocmd.Options) { dir = o.Dir })
	left := func() int {
		found, err := filepath.Glob(filepath.Join(dir, "*", "w*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for _, version := range []string{"v1.8.0", "v1.9.0"} {
		if _, err := get(t, s, request(t, upstream.Zip, "go.corp.example/lib", version)); err == nil {
			t.Errorf("version %s is served", version)
		}
		if n := left(); n > 0 {
			t.Errorf("%d directories are left of a failure", n)
		}
	}
	for range 2 {
		mustGet(t, s, request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0"))
	}
	if n := left(); n != 1 {
		t.Errorf("%d directories are left of two successes, want one workspace", n)
	}
	mustGet(t, s, request(t, upstream.Zip, "go.corp.example/lib", "v1.2.0"))
	if unpacked, _ := filepath.Glob(filepath.Join(dir, "*", "w*", "mod", "go.corp.example", "lib@*")); len(unpacked) > 1 {
		t.Errorf("unpacked modules become more and more: %q", unpacked)
	}
}
