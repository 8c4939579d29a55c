package main

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"
)

// profile writes a CPU profile of some runs of ours to file: of the process that
// serves, where there is one, else of this one. They are apart from the rounds that are
// measured, which a profiler would slow down.
func profile(ctx context.Context, s *sides, runs int, file string) (err error) {
	start := startProfile
	if s.server != nil {
		start = s.server.profile
	}
	stop, err := start(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for range runs {
		if _, err := s.ours(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startProfile profiles this process until stop is called.
func startProfile(file string) (stop func() error, err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
