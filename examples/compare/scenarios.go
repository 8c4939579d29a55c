package main

import (
	"context"
	"time"
)

// scenarios are all there are, in the order in which they are played.
func scenarios() []scenario {
	return append([]scenario{
		{name: "all well, nothing cached", rounds: 5, play: small},
		{name: "all well, cached before", rounds: 5, prepare: warm, play: small},
		{name: "primary refuses connections", rounds: 5, waits: true, counted: "-", play: struck(func(s *stage) { s.primary.down() }, small)},
		{name: "primary hangs", rounds: 5, waits: true, counted: "-", play: struck(primary(hangs), small)},
		{name: "primary answers 503 for 3 s, no mirror", rounds: smallModules, alone: true, waits: true, counted: "-", play: recovers},
		{name: "a zip is cut in the middle, once", rounds: 5, counted: "-", play: struck(primary(only(".zip", cutOnce)), small)},
		{name: "a zip of 256 KiB comes at 10 KiB/s from the primary", rounds: 3, waits: true, counted: "-", play: struck(primary(only(".zip", trickles(10<<10))), large)},
		{name: "a zip has other bytes at the primary", rounds: 5, counted: "-", play: struck(primary(only(".zip", flips)), small)},
		{name: "a login page in place of a list", rounds: 5, counted: "-", play: struck(primary(only("/@v/list", loginPage)), lists)},
	}, outages()...)
}

// struck has a fault happen at the beginning.
func struck(strike func(s *stage), play func(ctx context.Context, s *stage) []attempt) func(ctx context.Context, s *stage) []attempt {
	return func(ctx context.Context, s *stage) []attempt {
		strike(s)
		return play(ctx, s)
	}
}

// primary gives the primary a fault.
func primary(f fault) func(s *stage) { return func(s *stage) { s.primary.set(f) } }

func small(ctx context.Context, s *stage) []attempt { return s.downloads(ctx, s.catalog.small) }

func large(ctx context.Context, s *stage) []attempt { return s.downloads(ctx, s.catalog.large) }

// lists has new clients list the versions of modules.
func lists(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		return []attempt{s.newClient().versions(ctx, m)}
	})
}

// recovers has the source fail for three seconds from the beginning of each download.
func recovers(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		s.set(unavailable)
		well := time.AfterFunc(3*time.Second, func() { s.set(nil) })
		defer well.Stop()
		return []attempt{s.newClient().download(ctx, m)}
	})
}
