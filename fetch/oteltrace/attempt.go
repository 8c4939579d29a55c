package oteltrace

import (
	"context"
	"errors"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
)

// attemptStart opens the span also of an attempt that the circuit will refuse: that
// is not known yet, and the next attempt makes little sense without it.
func (t *tracing) attemptStart(ctx context.Context, e fetch.AttemptStart) context.Context {
	ctx, span := t.begin(ctx, t.attempts, e.Request)
	if span.IsRecording() {
		span.SetAttributes(keySource.String(e.Source))
	}
	return t.propagate(ctx, e.Source, span.SpanContext())
}

func (t *tracing) attemptEnd(ctx context.Context, a upstream.Attempt) {
	span := t.ending(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	attrs := append(make([]attribute.KeyValue, 0, 5), keyResult.String(result(a)))
	if a.FirstByte > 0 {
		attrs = append(attrs, keyFirstByte.Float64(a.FirstByte.Seconds()))
	}
	switch {
	case a.Err != nil && a.Err.Status != 0:
		attrs = append(attrs, keyStatus.Int(a.Err.Status))
	case a.Err == nil && a.Size > 0:
		attrs = append(attrs, keySize.Int64(a.Size))
	}
	if a.Err != nil {
		attrs = t.appendReason(attrs, a.Err)
	}
	span.SetAttributes(attrs...)
	if isFault(a) {
		span.SetStatus(codes.Error, statusText(a.Err))
	}
}

// result says what came of an attempt, as the metrics do.
func result(a upstream.Attempt) string {
	switch {
	case a.Outpaced:
		return "outpaced"
	case a.Err == nil:
		return "answered"
	case isRefused(a):
		return "refused"
	}
	return label(a.Err.Class)
}

func isRefused(a upstream.Attempt) bool { return errors.Is(a.Err, breaker.ErrOpen) }

// isFault reports whether the source, the way to it, or our own limit is to blame.
func isFault(a upstream.Attempt) bool {
	if a.Err == nil || a.Outpaced || isRefused(a) {
		return false
	}
	switch a.Err.Class {
	case upstream.NotFound, upstream.Denied, upstream.Canceled:
		return false
	}
	return true
}
