package oteltrace_test

import (
	"net/http/httptest"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// One trace leads from a client through another Breakwater's handler to the origin,
// each span below the one that caused it.
func TestTraceAcrossTwoProxies(t *testing.T) {
	o := newOrigin(t)
	spans := tracetest.NewInMemoryExporter()
	central := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	local := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	b := newClient(t, fetch.Options{
		Upstream: o.source(t, "origin"), Trace: oteltrace.New(&oteltrace.Options{TracerProvider: central}),
	})
	handler := httptest.NewServer(otelhttp.NewHandler(fetch.NewHandler(b, nil), "goproxy",
		otelhttp.WithTracerProvider(central), otelhttp.WithPropagators(propagation.TraceContext{})))
	a := newClient(t, fetch.Options{
		Upstream: overHTTP(t, "central", handler.URL), Trace: oteltrace.New(&oteltrace.Options{TracerProvider: local}),
	})
	ask(t.Context(), a, request(t, upstream.Mod, "v1.0.0"))
	a.Close()
	handler.Close() // waits for the handler's span
	b.Close()

	got := chain(spans.GetSpans())
	want := []string{
		"breakwater.fetch mod", "breakwater.attempt mod", // the client
		"GET", "breakwater.fetch mod", "breakwater.attempt mod", // the handler
	}
	if diff := cmp.Diff(want, namesOf(got)); diff != "" {
		t.Fatalf("spans, each below the one before (-want +got):\n%s", diff)
	}
	for _, s := range got {
		if s.SpanContext.TraceID() != got[0].SpanContext.TraceID() {
			t.Errorf("%s is of another trace", s.Name)
		}
	}
	last := got[len(got)-1].SpanContext
	header := "00-" + last.TraceID().String() + "-" + last.SpanID().String() + "-01"
	if told := o.asked(t).Get("Traceparent"); told != header {
		t.Errorf("the origin was told %q, want %q", told, header)
	}
}

// chain returns the spans from the root down, as far as each has one below it.
func chain(all tracetest.SpanStubs) tracetest.SpanStubs {
	var down tracetest.SpanStubs
	var parent trace.SpanID
	for {
		at := -1
		for i, s := range all {
			if s.Parent.SpanID() == parent {
				at = i
			}
		}
		if at < 0 {
			return down
		}
		down, parent = append(down, all[at]), all[at].SpanContext.SpanID()
	}
}

func namesOf(all tracetest.SpanStubs) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}
