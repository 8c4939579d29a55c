package oteltrace_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A proxy whose requests are traced. With otelhttp around the handler, what comes from
// another Breakwater goes on in the trace that it came from.
func ExampleNew() {
	spans := tracetest.NewInMemoryExporter() // for you: one that sends them to your collector
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer provider.Shutdown(context.Background())

	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"example.com/hello/@v/v1.0.0.mod": {Data: []byte("module example.com/hello\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
		Trace: oteltrace.New(&oteltrace.Options{TracerProvider: provider}),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	proxy := otelhttp.NewHandler(fetch.NewHandler(c, nil), "goproxy",
		otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(propagation.TraceContext{}))
	server := httptest.NewServer(proxy)
	resp, err := http.Get(server.URL + "/example.com/hello/@v/v1.0.0.mod")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	server.Close() // waits for the span of the handler

	for _, s := range spans.GetSpans() { // in the order in which they ended
		fmt.Println(s.SpanKind, s.Name)
	}
	// Output:
	// client breakwater.attempt mod
	// internal breakwater.fetch mod
	// server GET
}
