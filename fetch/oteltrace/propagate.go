package oteltrace

import (
	"context"

	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// propagate has the source told of the span in ctx, also of one that is not sampled, or
// the source would decide anew. Where there is none, as without a provider, what the
// caller has put there himself goes on.
func (t *tracing) propagate(ctx context.Context, source string, at trace.SpanContext) context.Context {
	if !t.opts.PropagateTo(source) {
		return upstream.WithTraceContext(ctx, "", "") // nor of what the caller has put there
	}
	if !at.IsValid() {
		return ctx
	}
	fields := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, fields)
	return upstream.WithTraceContext(ctx, fields["traceparent"], fields["tracestate"])
}
