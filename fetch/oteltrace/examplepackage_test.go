package oteltrace_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Each call of Fetch is a span, with one below it for each call to a source.
func Example() {
	spans := tracetest.NewInMemoryExporter() // for you: one that sends them to your collector
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer provider.Shutdown(context.Background())

	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"golang.org/x/mod/@v/list": {Data: []byte("v0.31.0\nv0.32.0\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
		Trace: oteltrace.New(&oteltrace.Options{TracerProvider: provider}),
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // the second time from memory
		if _, err := upstream.ReadList(context.Background(), c, "golang.org/x/mod"); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Close(); err != nil { // all spans have ended then
		log.Fatal(err)
	}
	for _, s := range spans.GetSpans() { // in the order in which they ended
		for _, a := range s.Attributes {
			if a.Key == "breakwater.outcome" || a.Key == "breakwater.result" {
				fmt.Println(s.Name, a.Value.AsString())
			}
		}
	}
	// Output:
	// breakwater.attempt list answered
	// breakwater.fetch list miss
	// breakwater.fetch list hit-memory
}
