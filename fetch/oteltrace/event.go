package oteltrace

import (
	"context"
	"strings"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// note adds an event to the span that is open, if there is one.
func (t *tracing) note(ctx context.Context, name string, attrs func() []attribute.KeyValue) {
	if span := t.current(ctx); span.IsRecording() {
		span.AddEvent(name, trace.WithAttributes(attrs()...))
	}
}

// retry passes over requests that were never going to be tried again: that a file
// does not exist is said by the span.
func (t *tracing) retry(ctx context.Context, e breaker.RetryEvent) {
	name := "breakwater.retry"
	if e.Reason != breaker.Again {
		name = "breakwater.gave_up"
	}
	if e.Reason == breaker.Pointless && e.Try == 1 {
		return
	}
	t.note(ctx, name, func() []attribute.KeyValue {
		return t.appendError([]attribute.KeyValue{
			attribute.Int("breakwater.try", e.Try),
			attribute.Float64("breakwater.wait", e.Wait.Seconds()),
			attribute.String("breakwater.why", e.Reason.String()),
		}, e.Err)
	})
}

func (t *tracing) hedge(ctx context.Context, e upstream.HedgeEvent) {
	t.note(ctx, "breakwater.hedge", func() []attribute.KeyValue {
		return []attribute.KeyValue{
			keySource.String(e.Source),
			attribute.String("breakwater.beside", e.Beside),
			attribute.Float64("breakwater.after", e.After.Seconds()),
			attribute.Bool("breakwater.again", e.Again),
			attribute.Bool("breakwater.won", e.Won),
		}
	})
}

// verification says who vouched for a file, and leaves out by which hash, which is as
// good as its name.
func (t *tracing) verification(ctx context.Context, e fetch.Verification) {
	t.note(ctx, "breakwater.verification", func() []attribute.KeyValue {
		by, _, _ := strings.Cut(e.Verified, " ")
		return t.appendError([]attribute.KeyValue{
			keySource.String(e.Source), attribute.String("breakwater.verified", by),
		}, e.Err)
	})
}

func (t *tracing) commit(ctx context.Context, e fetch.Commit) {
	t.note(ctx, "breakwater.commit", func() []attribute.KeyValue {
		return t.appendError([]attribute.KeyValue{
			keySize.Int64(e.Size), attribute.Float64("breakwater.took", e.Took.Seconds()), attribute.Bool("breakwater.stored", e.Err == nil),
		}, e.Err)
	})
}

func (t *tracing) degradation(ctx context.Context, e fetch.Degradation) {
	t.note(ctx, "breakwater.degradation", func() []attribute.KeyValue {
		return t.appendError([]attribute.KeyValue{attribute.String("breakwater.what", e.What.String())}, e.Err)
	})
}
