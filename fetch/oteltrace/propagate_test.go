package oteltrace_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// An origin is a module proxy that notes the header of each request.
type origin struct {
	*httptest.Server
	mu      sync.Mutex
	headers []http.Header
}

func newOrigin(t testing.TB) *origin {
	t.Helper()
	o := new(origin)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.headers = append(o.headers, r.Header.Clone())
		o.mu.Unlock()
		io.WriteString(w, goMod)
	}))
	t.Cleanup(o.Close)
	return o
}

// asked returns the header of the only request.
func (o *origin) asked(t testing.TB) http.Header {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.headers) != 1 {
		t.Fatalf("the origin was asked %d times, want once", len(o.headers))
	}
	return o.headers[0]
}

func (o *origin) source(t testing.TB, name string) upstream.Upstream {
	t.Helper()
	return overHTTP(t, name, o.URL)
}

func overHTTP(t testing.TB, name, url string) upstream.Upstream {
	t.Helper()
	s, err := upstream.NewHTTP(url, &upstream.HTTPOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// calledFrom returns the context of a caller who is part of a trace, sampled and
// with a state, and who has baggage.
func calledFrom(t testing.TB) context.Context {
	t.Helper()
	traceID, err1 := trace.TraceIDFromHex(callersTrace)
	spanID, err2 := trace.SpanIDFromHex(callersSpan)
	state, err3 := trace.ParseTraceState("vendor=opaque")
	bags, err4 := baggage.Parse("user=alice")
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceState: state, TraceFlags: trace.FlagsSampled, Remote: true,
	}))
	return baggage.ContextWithBaggage(ctx, bags)
}

func TestSourceIsToldOfTheAttempt(t *testing.T) {
	tests := []struct {
		name    string
		sampler sdktrace.Sampler
		flags   string
	}{
		{"sampled", sdktrace.AlwaysSample(), "01"},
		{"sampled out", sdktrace.NeverSample(), "00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, a := newOrigin(t), newAccount(test.sampler)
			c := newClient(t, fetch.Options{Upstream: o.source(t, "origin"), Trace: oteltrace.New(&oteltrace.Options{TracerProvider: a})})
			ask(calledFrom(t), c, request(t, upstream.Mod, "v1.0.0"))
			a.settle(t, c)
			attempt := a.begun("breakwater.attempt mod")
			want := http.Header{
				"Traceparent": {fmt.Sprintf("00-%s-%s-%s", callersTrace, attempt.SpanID(), test.flags)},
				"Tracestate":  {"vendor=opaque"},
			}
			if diff := cmp.Diff(want, traceHeader(o.asked(t))); diff != "" {
				t.Errorf("header fields of the trace (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a provider the trace that the caller is part of goes on as it came.
func TestWithoutProvider(t *testing.T) {
	callers := http.Header{"Traceparent": {"00-" + callersTrace + "-" + callersSpan + "-01"}, "Tracestate": {"vendor=opaque"}}
	own := http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
	tests := []struct {
		name string
		ctx  context.Context
		want http.Header
	}{
		{"of OpenTelemetry", calledFrom(t), callers},
		{"that the caller has put there himself", upstream.WithTraceContext(t.Context(), own.Get("Traceparent"), ""), own},
		{"none", t.Context(), http.Header{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOrigin(t)
			hooks := oteltrace.New(&oteltrace.Options{TracerProvider: noop.NewTracerProvider()})
			ask(test.ctx, newClient(t, fetch.Options{Upstream: o.source(t, "origin"), Trace: hooks}), request(t, upstream.Mod, "v1.0.0"))
			if diff := cmp.Diff(test.want, traceHeader(o.asked(t))); diff != "" {
				t.Errorf("header fields of the trace (-want +got):\n%s", diff)
			}
		})
	}
}

// A source that PropagateTo leaves out is not told, neither of our span nor of what the
// caller has put there himself.
func TestPropagateTo(t *testing.T) {
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprint(told), func(t *testing.T) {
			o := newOrigin(t)
			var asked []string
			c := newTraced(t, fetch.Options{Upstream: o.source(t, "public")}, oteltrace.Options{PropagateTo: func(source string) bool {
				asked = append(asked, source)
				return told
			}})
			ctx := upstream.WithTraceContext(t.Context(), "00-"+callersTrace+"-"+callersSpan+"-01", "")
			ask(ctx, c, request(t, upstream.Mod, "v1.0.0"))
			if diff := cmp.Diff([]string{"public"}, asked); diff != "" {
				t.Errorf("asked about (-want +got):\n%s", diff)
			}
			if got := len(traceHeader(o.asked(t))) > 0; got != told {
				t.Errorf("the source was told: %v, want %v", got, told)
			}
		})
	}
}

// traceHeader returns what of a header is of traces or baggage.
func traceHeader(h http.Header) http.Header {
	of := http.Header{}
	for _, key := range []string{"Traceparent", "Tracestate", "Baggage"} {
		if values := h.Values(key); len(values) > 0 {
			of[key] = values
		}
	}
	return of
}

// begun returns the IDs of the only span of that name, also if it is not sampled.
func (a *account) begun(name string) trace.SpanContext {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found trace.SpanContext
	for _, s := range a.spans {
		if s.name == name {
			found = s.SpanContext()
		}
	}
	return found
}
