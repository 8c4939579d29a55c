package survey

import (
	"context"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// explain finds out in words what is wrong with the sources that could not be reached,
// by asking them once more for a list and looking at each step of the connection. They
// are asked all at once, and nothing is measured.
func (s *surveyor) explain(ctx context.Context) {
	failed := map[string]*subject{}
	var sources []upstream.Upstream
	for _, sub := range s.subjects {
		if sub.said.Failures > 0 && (sub.said.GivenUp || !sub.said.Reachable) {
			failed[sub.source.Name] = sub
			sources = append(sources, upstream.WithName(sub.source.Name, sub.source.Upstream))
		}
	}
	if len(sources) == 0 || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Patience, errPatience)
	defer cancel()
	diagnosis, err := fetch.Diagnose(ctx, &fetch.Options{
		Upstream: upstream.Mirrors(sources...),
		Go:       &fetch.GoSettings{GOSUMDB: "off"}, // hashes have been compared
		Probe:    &breaker.ProbeOptions{Module: s.opts.Sample[0].Path},
	})
	if err != nil {
		return // the words of the first error have to do
	}
	for _, d := range diagnosis.Sources {
		if sub := failed[d.Source]; sub != nil {
			sub.said.Findings = append(sub.said.Findings, d.Findings...)
		}
	}
}
