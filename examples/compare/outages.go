package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// outages are the scenarios in which nobody has an answer, and the two with many clients.
func outages() []scenario {
	return []scenario{
		{name: "both sources down: a build with what is cached", rounds: 3, waits: true, counted: "-", prepare: warm, play: struck((*stage).down, small)},
		{name: "both sources down: files that are cached", rounds: 2, proxy: true, waits: true, counted: "-", prepare: warm, play: struck((*stage).down, files)},
		{name: "the same after a restart of the proxy", rounds: 2, proxy: true, counted: "-", prepare: warm, play: restarted},
		{name: "both sources down, nothing cached: is an outage told?", rounds: 1, waits: true, counted: "-", play: struck((*stage).down, confessions)},
		{name: "both sources answer 503, nothing cached: is an outage told?", rounds: 1, waits: true, counted: "-", play: struck(everywhere(unavailable), confessions)},
		{name: "checksum database down, then back", rounds: 1, waits: true, counted: "-", prepare: warmOne, play: database},
		{name: "200 callers at once, one cold zip", rounds: 3, proxy: true, counted: ".zip", play: struck(everywhere(only(".zip", late(200*time.Millisecond))), crowds)},
		{name: "a client goes away, another waits for the same zip", rounds: 3, proxy: true, counted: ".zip", play: struck(everywhere(only(".zip", trickles(32<<10))), leaves)},
	}
}

// everywhere gives both sources a fault.
func everywhere(f fault) func(s *stage) { return func(s *stage) { s.set(f) } }

// warm has a client download the modules that small will, and everything else of them.
func warm(ctx context.Context, s *stage) error { return s.warm(ctx, s.catalog.small[:s.rounds]) }

// warmOne is warm with one module, the last.
func warmOne(ctx context.Context, s *stage) error {
	return s.warm(ctx, s.catalog.small[smallModules-1:])
}

func (s *stage) warm(ctx context.Context, modules []goModule) error {
	for _, m := range modules {
		if a := s.newClient().download(ctx, m); !a.Right {
			return fmt.Errorf("cannot be warmed: %s", a.Said)
		}
		if s.running == nil {
			continue
		}
		for _, part := range []string{"/@v/list", "/@latest"} {
			if a := s.has(ctx, "/"+m.path+part); !a.Right {
				return fmt.Errorf("cannot be warmed: %s: %s", part, a.Said)
			}
		}
	}
	return nil
}

// paths are the files of a module that a proxy is asked for.
func paths(m goModule) map[string]string {
	return map[string]string{
		".mod": m.file("mod"), ".zip": m.file("zip"), "list": "/" + m.path + "/@v/list", "@latest": "/" + m.path + "/@latest",
	}
}

// atOnce asks for all files of a module.
func atOnce(m goModule, ask func(path string) attempt) []attempt {
	parts := []string{".mod", ".zip", "list", "@latest"}
	all := make([]attempt, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { all[i] = ask(paths(m)[part]).as(part) })
	}
	wg.Wait()
	return all
}

func files(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		return atOnce(m, func(path string) attempt { return s.has(ctx, path) })
	})
}

// restarted has the proxy start while the sources are down.
func restarted(ctx context.Context, s *stage) []attempt {
	s.down()
	if err := s.restart(ctx); err != nil {
		return []attempt{{Said: err.Error()}}
	}
	return files(ctx, s)
}

// confessions asks for what nobody can have. The go command alone has to say so itself.
func confessions(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		if s.running != nil {
			return atOnce(m, func(path string) attempt { return s.confesses(ctx, path) })
		}
		return []attempt{truthful(s.newClient().download(ctx, m))}
	})
}

// truthful turns a failed download into a right one, if it is not told as absence.
func truthful(a attempt) attempt {
	a.Right = !a.Right && a.Said != "404" && a.Said != "410" && a.Said != gaveUp
	return a
}

// database has clients download modules while the checksum database is down, everywhere,
// and when it is back the one that could not be had before.
func database(ctx context.Context, s *stage) []attempt {
	s.database.down()
	s.set(only(databasePrefix, unavailable))
	cached, cold := s.catalog.small[smallModules-1], s.catalog.small[0]
	all := []attempt{
		s.newClient().download(ctx, cached).as("cached: build"),
		truthful(s.newClient().download(ctx, cold)).as("not cached: outage told"),
	}
	s.set(nil)
	if err := s.database.up(); err != nil {
		return append(all, attempt{Said: err.Error()}.as("back"))
	}
	return append(all, s.untilRight(ctx, cold).as("back: build"))
}

// untilRight has clients download a module again and again for a while, until one of them
// gets it.
func (s *stage) untilRight(ctx context.Context, m goModule) attempt {
	const within = 12 * time.Second
	begun := time.Now()
	for {
		a := s.newClient().download(ctx, m)
		a.Seconds = time.Since(begun).Seconds()
		if a.Right || time.Since(begun) > within || wait(ctx, 500*time.Millisecond) != nil {
			return a
		}
	}
}

// crowd is how many callers there are at once.
const crowd = 200

// crowds has many callers ask for the same file. They have it when the last one has.
func crowds(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		all := make([]attempt, crowd)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i] = s.has(ctx, m.file("zip")) })
		}
		wg.Wait()
		slowest := all[0]
		for _, a := range all {
			if !a.Right {
				return []attempt{a}
			}
			slowest.Seconds = max(slowest.Seconds, a.Seconds)
		}
		return []attempt{slowest}
	})
}

// errLeft is why the first of two callers ends its request.
var errLeft = errors.New("the client goes away")

// leaves has two callers ask for the same file, which takes a second. The one that came
// first goes away in the middle.
func leaves(ctx context.Context, s *stage) []attempt {
	return s.each(ctx, s.catalog.small, func(m goModule) []attempt {
		first, leave := context.WithTimeoutCause(ctx, 500*time.Millisecond, errLeft)
		defer leave()
		var wg sync.WaitGroup
		wg.Go(func() { s.get(first, m.file("zip")) })
		defer wg.Wait()
		if wait(ctx, 200*time.Millisecond) != nil {
			return nil
		}
		return []attempt{s.has(ctx, m.file("zip"))}
	})
}
