package download

import (
	"cmp"
	"context"
	"go/version"
	"slices"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// pruned is the go line since which of a module that is required the requirements are
// in the graph, and theirs are not (https://go.dev/ref/mod#graph-pruning).
const pruned = "go1.17"

// mentioned returns the versions of which "go list -m all" wants the .info and nothing
// else: they are in a project's graph because a go.mod file there mentions them, and
// where the graph is pruned their own go.mod files are not, so that go.sum lists nothing
// of them.
func (r *run) mentioned(ctx context.Context, want manifest.Manifest) []module.Version {
	g := graph{
		read:    func(m module.Version) *modfile.File { return r.goMod(ctx, m) },
		own:     want.Own,
		loaded:  map[module.Version]bool{},
		highest: map[string]string{},
	}
	for _, m := range want.Roots {
		g.load(m, false)
	}
	var all []module.Version
	for path, version := range g.highest {
		m := module.Version{Path: path, Version: version}
		if !slices.Contains(want.Modules, m) && !slices.Contains(want.Mods, m) && module.Check(path, version) == nil {
			all = append(all, m)
		}
	}
	module.Sort(all)
	return all
}

// goMod returns a go.mod file that is at hand; nil if there is none, or none that can
// be read, which is for the go command to complain of.
func (r *run) goMod(ctx context.Context, m module.Version) *modfile.File {
	data, err := upstream.ReadMod(upstream.WithOffline(ctx), r.fetcher, m)
	if err != nil {
		return nil
	}
	mod, err := modfile.ParseLax(m.Path+"/go.mod", data, nil)
	if err != nil {
		return nil
	}
	return mod
}

// A graph is loaded as the go command does it (cmd/go/internal/modload, readModGraph).
type graph struct {
	read func(module.Version) *modfile.File
	own  []string // paths that are left out

	loaded  map[module.Version]bool // and whether all that follows from it was
	highest map[string]string       // the version of each path that is selected
}

// load takes m in, and what it requires. Of those that are pruned it takes no more,
// unless everything is wanted that follows from m.
func (g *graph) load(m module.Version, everything bool) {
	if was, again := g.loaded[m]; again && (was || !everything) {
		return
	}
	g.loaded[m] = everything
	g.see(m)
	mod := g.read(m)
	if mod == nil {
		return
	}
	everything = everything || mod.Go == nil || version.Compare("go"+mod.Go.Version, pruned) < 0
	for _, required := range mod.Require {
		switch {
		case slices.Contains(g.own, required.Mod.Path):
		case everything:
			g.load(required.Mod, true)
		default:
			g.see(required.Mod)
		}
	}
}

// see selects the highest version of a path that is mentioned
// (https://go.dev/ref/mod#minimal-version-selection).
func (g *graph) see(m module.Version) {
	was := g.highest[m.Path]
	if cmp.Or(semver.Compare(was, m.Version), cmp.Compare(was, m.Version)) < 0 {
		g.highest[m.Path] = m.Version
	}
}

// info fetches the .info file of m. Sources that are down are waited for only where
// something else had to come from them, too.
func (r *run) info(ctx context.Context, m module.Version) {
	r.mu.Lock()
	asking := ctx
	if !r.fresh {
		asking = breaker.WithoutWaiting(ctx)
	}
	r.mu.Unlock()
	_, err := upstream.ReadInfo(asking, r.fetcher, m.Path, m.Version)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteInfo(ctx, m, err)
}
