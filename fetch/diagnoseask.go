package fetch

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"golang.org/x/mod/module"
)

// requests returns what each source may be asked for; the zero Request for nothing.
func (d *diagnoser) requests(sources []upstream.Upstream) []upstream.Request {
	candidates := []upstream.Request{d.probe}
	for _, route := range d.core.opts.Private {
		candidates = append(candidates, madeUpBelow(route.Patterns)...)
	}
	asks := make([]upstream.Request, len(sources))
	for _, req := range candidates {
		if d.core.refuse(req) != nil {
			continue
		}
		allowed := upstream.SourcesFor(d.sources, req)
		for i, s := range sources {
			if asks[i] == (upstream.Request{}) && slices.Contains(allowed, s) {
				asks[i] = req
			}
		}
	}
	return asks
}

// madeUp is the last element of a module path that should be nobody's.
const madeUp = "breakwater-diagnosis"

// madeUpBelow returns the request for the list of a module that the first fitting of
// some patterns matches, and that nobody has; none if no such path can be found.
func madeUpBelow(patterns string) []upstream.Request {
	for pattern := range strings.SplitSeq(patterns, ",") {
		path := strings.NewReplacer("*", "x", "?", "x").Replace(strings.TrimSuffix(pattern, "/"))
		if host, _, _ := strings.Cut(path, "/"); !strings.Contains(host, ".") {
			path = strings.Replace(path, host, host+".example", 1)
		}
		path += "/" + madeUp
		if pattern == "" || module.CheckPath(path) != nil || !module.MatchPrefixPatterns(pattern, path) {
			continue
		}
		if req, err := upstream.NewRequest(upstream.List, path, ""); err == nil {
			return []upstream.Request{req}
		}
	}
	return nil
}

// askSource asks a source for what it may be asked for.
func (t *inquiry) askSource(ctx context.Context, req upstream.Request) {
	name := t.said.Source
	_, command := upstream.As[*gocmd.Source](t.upstream)
	_, many := upstream.As[upstream.Parted](t.upstream)
	switch {
	case command:
		t.said.Note = "go and git are here; the servers that modules lead to are not asked, for one says nothing of the others"
		return
	case many:
		t.said.Note = "not asked: it stands for many servers"
		return
	case name == upstream.Name(upstream.Direct()):
		t.findNoCommand()
		return
	case name == upstream.Name(upstream.Off()):
		t.said.Note = "ends the list: what the sources before it lack does not exist"
		return
	case req == upstream.Request{}:
		t.said.Note = "not asked: no module is known that the routes lead to it"
		return
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	ctx, stop := t.lookout.on(ctx)
	defer stop()
	t.said.Asked, t.madeUp = req.Module(), req != t.diagnoser.probe
	data, err := upstream.ReadAll(ctx, t.upstream, req)
	t.look()
	if err != nil {
		t.explain(upstream.AsError(err, req, name))
		return
	}
	versions, err := upstream.ParseList(data)
	if err != nil {
		t.find(t.wrongContent(data, "the list of "+req.Module(), err))
		return
	}
	if len(versions) == 0 && !t.madeUp {
		t.find(t.emptyList(req.Module()))
		return
	}
	t.checkFile(ctx, req.Module(), versions)
}

// findNoCommand says why nothing is had from version control.
func (t *inquiry) findNoCommand() {
	if t.diagnoser.core.opts.closed {
		return
	}
	var missing []string
	for _, name := range []string{"go", "git"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		t.said.Note = "it has nothing: nobody fetches from version control here"
		return
	}
	t.find(Finding{Problem: ProblemCommand, Severity: SeverityWarning,
		Text:   "modules that no proxy has cannot be fetched from version control: in PATH there is no " + strings.Join(missing, " and no "),
		Advice: "install it, or have a module proxy in GOPROXY that has the modules"})
}
