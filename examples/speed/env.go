package main

import (
	"fmt"
	"os"
)

// An env is what a promise's setUp is given.
type env struct {
	quick  bool   // small sizes: the whole run is to be over soon
	rounds int    // of every promise; 0: as many as it takes
	dir    string // for files; removed at the end of the run

	corpus corpus // the files that are served, made on first use
}

// newEnv returns an env with a temporary directory of its own, which close removes.
func newEnv(quick bool) (*env, error) {
	dir, err := os.MkdirTemp("", "breakwater-speed-*")
	if err != nil {
		return nil, fmt.Errorf("a place for the files: %w", err)
	}
	return &env{quick: quick, dir: dir}, nil
}

func (e *env) close() error { return os.RemoveAll(e.dir) }

// tempDir returns a new directory that lasts as long as e.
func (e *env) tempDir() (string, error) { return os.MkdirTemp(e.dir, "*") }

// size is full in a full run and quick in a quick one.
func (e *env) size(full, quick int) int {
	if e.quick {
		return quick
	}
	return full
}
