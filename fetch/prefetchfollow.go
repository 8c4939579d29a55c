package fetch

import (
	"context"
	"go/version"
	"io"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/modfile"
)

// maxFollowed bounds the go.mod files whose requirements are looked at, in bytes.
// The largest in use have some tens of thousands; parsing a hostile one of the 16 MiB
// that are allowed would take seconds.
const maxFollowed = 256 << 10

// after sees to what follows from the answer to a caller, who does not wait. What
// comes from memory is passed over: it costs more to think about it than to give it,
// and whatever brought it there was thought about. So is what was asked for in the
// background, such as by another Client's prefetch: else it would have no end.
func (p *prefetch) after(ctx context.Context, req upstream.Request, resp *upstream.Response) {
	if p == nil || resp.Cached && resp.Source == "memory" ||
		upstream.PriorityOf(ctx) != upstream.Interactive || upstream.Offline(ctx) {
		return
	}
	from := &trigger{via: upstream.Via(ctx)}
	from.left.Store(int64(p.opts.Files))
	switch req.Kind() {
	case upstream.Mod:
		from.left.Add(1) // it is here, and none of those that follow
		p.offer(errand{req, true, from})
	case upstream.Info, upstream.Latest:
		if mod, ok := modAfter(req, resp); ok {
			p.offer(errand{mod, false, from})
		}
	}
}

// modAfter returns the question for the go.mod file of the version that an .info
// or @latest is about. Where only the answer names it, an answer from the store is not
// read: it was when it came.
func modAfter(req upstream.Request, resp *upstream.Response) (upstream.Request, bool) {
	of := req.Version()
	if !req.Immutable() {
		body, ok := resp.Body.(io.ReaderAt) // the caller's place in it stays
		if !ok || resp.Cached || resp.Size <= 0 || resp.Size > req.Kind().MaxSize() {
			return upstream.Request{}, false
		}
		data := make([]byte, resp.Size)
		if n, _ := body.ReadAt(data, 0); n < len(data) {
			return upstream.Request{}, false
		}
		meta, err := upstream.ParseMetadata(req, data)
		if err != nil {
			return upstream.Request{}, false
		}
		of = meta.Version
	}
	mod, err := upstream.NewRequest(upstream.Mod, req.Module(), of)
	return mod, err == nil
}

// follow offers the requirements of a go.mod file, as a dependency's count: without
// its replace and exclude directives, which the go command heeds only in the main
// module. Of one that nobody has asked for, only where the go command would go on
// to them: it prunes the graph there from go 1.17 on (https://go.dev/ref/mod#graph-pruning).
func (p *prefetch) follow(e errand, resp *upstream.Response) {
	if resp.Size > maxFollowed {
		return
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxFollowed))
	if err != nil {
		return
	}
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return
	}
	if !e.asked && file.Go != nil && version.Compare("go"+file.Go.Version, "go1.17") >= 0 {
		return
	}
	for _, required := range file.Require {
		req, err := upstream.NewRequest(upstream.Mod, required.Mod.Path, required.Mod.Version)
		if err == nil {
			p.offer(errand{req, false, e.trigger})
		}
	}
}
