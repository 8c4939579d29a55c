package prommetrics_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A service mounts its metrics beside its modules.
func Example() {
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"example.com/hello/@v/v1.1.0.mod": {Data: []byte("module example.com/hello\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	m := prommetrics.New(c, nil)
	defer m.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)

	mux := http.NewServeMux()
	mux.Handle("/", fetch.NewHandler(c, &fetch.HandlerOptions{Access: m.Access}))
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	get(mux, "/example.com/hello/@v/v1.1.0.mod")
	get(mux, "/example.com/hello/@v/v1.1.0.mod")
	for line := range strings.Lines(get(mux, "/metrics")) {
		if strings.HasPrefix(line, `breakwater_requests_total{kind="mod"`) && !strings.HasSuffix(line, " 0\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// breakwater_requests_total{kind="mod",outcome="hit-memory"} 1
	// breakwater_requests_total{kind="mod",outcome="miss"} 1
}

// Several Clients share a registry if a label tells them apart.
func ExampleOptions() {
	registry := prometheus.NewRegistry()
	for _, team := range []string{"red", "blue"} {
		c, err := fetch.New(&fetch.Options{
			Upstream: upstream.FS("files", fstest.MapFS{}),
			Store:    cache.NewMemory(nil),
			Go:       &fetch.GoSettings{GOSUMDB: "off"},
		})
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close()
		m := prommetrics.New(c, &prommetrics.Options{ConstLabels: prometheus.Labels{"client": team}})
		defer m.Close()
		fmt.Println(team, registry.Register(m))
	}
	// Output:
	// red <nil>
	// blue <nil>
}

func get(h http.Handler, path string) string {
	w := httptest.NewRecorder()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, path, nil)
	if err != nil {
		log.Fatal(err)
	}
	h.ServeHTTP(w, r)
	return w.Body.String()
}
