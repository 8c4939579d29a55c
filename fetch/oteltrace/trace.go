package oteltrace

import (
	"context"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation, by which providers configure it.
const scope = "github.com/breakwater-go/breakwater/fetch/oteltrace"

// New returns hooks that make spans, for the Trace of [fetch.Options] or for
// [fetch.Client.Observe]. Several Clients may share them, also where one is another's
// source. The options are copied. A Client that is given the same hooks twice is told of
// twice: each of its spans has another one below it.
func New(opts *Options) *fetch.Trace {
	t := &tracing{opts: opts.withDefaults()}
	provider := t.opts.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	t.tracer = provider.Tracer(scope)
	t.requests = beginnings("breakwater.fetch ", trace.SpanKindInternal)
	t.attempts = beginnings("breakwater.attempt ", trace.SpanKindClient)
	return &fetch.Trace{
		RequestStart: t.requestStart,
		RequestEnd:   t.requestEnd,
		AttemptStart: t.attemptStart,
		AttemptEnd:   t.attemptEnd,
		Retry:        t.retry,
		Hedge:        t.hedge,
		Verification: t.verification,
		Commit:       t.commit,
		Degradation:  t.degradation,
	}
}

// tracing is the hooks. It is also the key under which contexts hold its spans: a hook
// of the end must find its own, and not one that was put into the context by somebody
// else whose hooks are told of the same.
type tracing struct {
	opts     Options
	tracer   trace.Tracer
	requests []beginning
	attempts []beginning
}

// A beginning is what a span of one kind of file begins with. They are made once, for
// a hit costs little and so must its span.
type beginning struct {
	name string
	opts []trace.SpanStartOption
}

func beginnings(prefix string, kind trace.SpanKind) []beginning {
	all := make([]beginning, upstream.SumDBTile+1)
	for k := range all {
		name := upstream.Kind(k).String()
		all[k] = beginning{prefix + name, []trace.SpanStartOption{
			trace.WithSpanKind(kind), trace.WithAttributes(keyKind.String(name)),
		}}
	}
	return all
}

// begin opens a span, which is in the context that it returns.
func (t *tracing) begin(ctx context.Context, of []beginning, req upstream.Request) (context.Context, trace.Span) {
	b := &of[min(int(req.Kind()), len(of)-1)]
	ctx, span := t.tracer.Start(ctx, b.name, b.opts...)
	if t.opts.ModuleNames && span.IsRecording() {
		span.SetAttributes(nameAttributes(req)...)
	}
	return &opened{Context: ctx, by: t, span: span, outer: t.latest(ctx)}, span
}

// An opened is a context that holds a span. Where a Client has the same hooks twice, both
// are told of an end with the same context, and the second must come to the outer span.
type opened struct {
	context.Context
	by    *tracing
	span  trace.Span
	outer *opened // nil: none
	ended atomic.Bool
}

func (o *opened) Value(key any) any {
	if key == o.by {
		return o
	}
	return o.Context.Value(key)
}

// latest returns what was opened last on the way to ctx; nil if nothing was, as in the
// background.
func (t *tracing) latest(ctx context.Context) *opened {
	o, _ := ctx.Value(t).(*opened)
	return o
}

// current returns the span that was opened last on the way to ctx; one that does
// nothing if there is none.
func (t *tracing) current(ctx context.Context) trace.Span {
	if o := t.latest(ctx); o != nil {
		return o.span
	}
	return trace.SpanFromContext(context.Background())
}

// ending returns the innermost span on the way to ctx that no hook of an end was told
// of yet, for the caller to end; one that does nothing if there is none.
func (t *tracing) ending(ctx context.Context) trace.Span {
	for o := t.latest(ctx); o != nil; o = o.outer {
		if o.ended.CompareAndSwap(false, true) {
			return o.span
		}
	}
	return trace.SpanFromContext(context.Background())
}

func (t *tracing) requestStart(ctx context.Context, e fetch.RequestStart) context.Context {
	ctx, _ = t.begin(ctx, t.requests, e.Request)
	return ctx
}

func (t *tracing) requestEnd(ctx context.Context, e fetch.RequestEnd) {
	span := t.ending(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	attrs := append(make([]attribute.KeyValue, 0, 5), keyOutcome.String(e.Outcome.String()))
	if e.Source != "" {
		attrs = append(attrs, keySource.String(e.Source), keySize.Int64(e.Size))
	}
	if e.Err != nil {
		attrs = append(attrs, keyClass.String(label(e.Err.Class)))
		attrs = t.appendReason(attrs, e.Err)
	}
	span.SetAttributes(attrs...)
	if e.Outcome == fetch.Failed {
		span.SetStatus(codes.Error, statusText(e.Err))
	}
}
