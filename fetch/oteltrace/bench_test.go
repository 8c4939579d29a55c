package oteltrace_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// BenchmarkWarmHit is what the hooks add to an answer from memory: nothing is sampled,
// there is no provider, or everything is sampled and exported nowhere.
func BenchmarkWarmHit(b *testing.B) {
	traced := func(p oteltrace.Options) *fetch.Trace { return oteltrace.New(&p) }
	tests := []struct {
		name  string
		trace *fetch.Trace
	}{
		{"no hooks", nil},
		{"no provider", traced(oteltrace.Options{})},
		{"noop provider", traced(oteltrace.Options{TracerProvider: noop.NewTracerProvider()})},
		{"never sampled", traced(oteltrace.Options{TracerProvider: trace.NewTracerProvider(trace.WithSampler(trace.NeverSample()))})},
		{"always sampled", traced(oteltrace.Options{ModuleNames: true, TracerProvider: trace.NewTracerProvider()})},
	}
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			c := newClient(b, fetch.Options{Upstream: source("one", answers), Trace: test.trace})
			req := request(b, upstream.Mod, "v1.0.0")
			ask(b.Context(), c, req)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b.Context(), c, req)
				}
			})
		})
	}
}
