package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/spf13/cobra"
	"golang.org/x/mod/module"
)

// target is where a download ends.
type target struct {
	dir       string // unpacked there
	modCache  string // GOMODCACHE; empty: the user's
	cacheOnly bool
}

func (t target) check() error {
	if t.dir != "" && t.modCache != "" || t.cacheOnly && t.dir+t.modCache != "" {
		return usagef("-dir, -modcache and -cache-only exclude each other: give one of them")
	}
	return nil
}

func (a *app) downloadCommand() *cobra.Command {
	var to target
	cmd := a.command("download [flags] MODULE[@QUERY] | FILE | all ...",
		"Download modules to GOMODCACHE, to a directory, or to the cache alone",
		"Downloads modules, verified by the checksum database or the go.sum beside them, to the\n"+
			"cache, and from there to GOMODCACHE, where the go command finds them.\n\n"+inputs,
		some(1, "what to download"),
		func(ctx context.Context, args []string) error {
			if err := to.check(); err != nil {
				return err
			}
			return a.download(ctx, args, to)
		})
	cmd.Flags().StringVar(&to.dir, "dir", "", "unpack each module into `DIR`/module@version instead of GOMODCACHE;\nwhat is there already is compared with its zip")
	cmd.Flags().BoolVar(&to.cacheOnly, "cache-only", false, "only to the cache")
	cmd.Flags().StringVar(&to.modCache, "modcache", "", "this `DIR` in place of go env GOMODCACHE")
	cmd.ValidArgsFunction = a.completeModule
	return cmd
}

func (a *app) warmCommand() *cobra.Command {
	cmd := a.command("warm [flags] [MODULE[@QUERY] | FILE | all ...]",
		"Fill the cache with what a project needs",
		"Downloads modules to the cache alone, from where they are served while the sources\n"+
			"are down. Without arguments: the go.work, go.mod or vendor/modules.txt in this directory.\n\n"+inputs,
		some(0, ""),
		func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				name, err := defaultInput()
				if err != nil {
					return err
				}
				args = []string{name}
			}
			return a.download(ctx, args, target{cacheOnly: true})
		})
	cmd.ValidArgsFunction = a.completeModule
	return cmd
}

// download fetches what args ask for to the cache, and takes it from there to its
// target.
func (a *app) download(ctx context.Context, args []string, to target) error {
	want, graph, err := a.wanted(ctx, args)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, want.Sums)
	if err != nil {
		return err
	}
	got, err := a.fetch(ctx, s, want, graph)
	if err == nil {
		err = s.holds(ctx, got, to)
	}
	if err == nil {
		err = a.install(ctx, s, got, to)
	}
	err = errors.Join(err, s.Close())
	if err != nil {
		return err
	}
	return told(got.Errs)
}

// fetch downloads what is wanted into the cache. What cannot be had is told on the
// display; the error is of what ends all of it.
func (a *app) fetch(ctx context.Context, s *session, want manifest.Manifest, graph bool) (got download.Got, err error) {
	if graph {
		all, err := s.graph(ctx)
		if err != nil {
			return got, err
		}
		want = want.Add(all)
	}
	show, err := a.display()
	if err != nil {
		return got, err
	}
	ctx, end := s.whileThereIsRoom(ctx)
	defer end()
	for _, left := range want.Skipped {
		show.Note(fmt.Sprintf("left out: %s: %s", left.What, left.Why))
	}
	got = download.Run(ctx, s.Client, want, show, a.jobs)
	summary := show.Close()
	if err := context.Cause(ctx); err != nil {
		return got, err
	}
	return got, errors.Join(s.Flush(ctx), summary.Err)
}

func (a *app) display() (*display.Display, error) {
	mode := display.ModeFor(a.Err, os.Getenv)
	switch {
	case a.json:
		mode = display.JSON
	case a.quiet:
		mode = display.Quiet
	case a.progress == "plain":
		mode = display.Plain
	case a.progress == "bars" && mode != display.Bars:
		return nil, usagef("-progress=bars wants a terminal for standard error: leave it out, or write plain")
	}
	return display.New(a.Out, a.Err, mode, nil), nil
}

// install takes modules from the cache to the target.
func (a *app) install(ctx context.Context, s *session, got download.Got, to target) error {
	total := len(got.Modules) + len(got.Mods)
	if to.cacheOnly || total == 0 {
		return nil
	}
	line, n := a.line(), 0
	defer line.close()
	count := func() {
		line.show("installing: %d of %d", n, total)
		n++
	}
	count()
	if to.dir != "" {
		return install.Directory(ctx, s.Client, got.Modules, to.dir, func(module.Version, error) { count() })
	}
	_, err := install.ModuleCache(ctx, got.Modules, got.Mods, &install.ModuleCacheOptions{
		Cache: s.dir, Source: s.Client, Dir: to.modCache, Infos: got.Infos,
		GoSum: got.Sums, GOSUMDB: s.settings.GOSUMDB, GONOSUMDB: s.settings.GONOSUMDB,
		Done: func(install.Installed) { count() },
	})
	return err
}
