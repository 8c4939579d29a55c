package fetch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// newWatched returns a Client with one module, which tells what it does to trace.
func newWatched(trace *fetch.Trace) *fetch.Client {
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"golang.org/x/mod/@v/list": {Data: []byte("v0.31.0\nv0.32.0\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
		Trace: trace,
	})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// Hooks are told of each request and of each call to a source.
func ExampleTrace() {
	c := newWatched(&fetch.Trace{
		AttemptEnd: func(_ context.Context, a upstream.Attempt) {
			fmt.Println("asked", a.Source, "for", a.Request)
		},
		RequestEnd: func(_ context.Context, e fetch.RequestEnd) {
			fmt.Println(e.Request, "is a", e.Outcome, "from", e.Source)
		},
	})
	defer c.Close()
	for range 2 {
		if _, err := upstream.ReadList(context.Background(), c, "golang.org/x/mod"); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// asked files for golang.org/x/mod/@v/list
	// golang.org/x/mod/@v/list is a miss from files
	// golang.org/x/mod/@v/list is a hit-memory from memory
}

// Two who want to know are told in turn; at the end of something in the reverse order.
func ExampleJoinTraces() {
	tell := func(name string) *fetch.Trace {
		return &fetch.Trace{RequestEnd: func(_ context.Context, e fetch.RequestEnd) { fmt.Println(name, e.Outcome) }}
	}
	c := newWatched(fetch.JoinTraces(tell("metrics"), tell("spans")))
	defer c.Close()
	if _, err := upstream.ReadList(context.Background(), c, "golang.org/x/mod"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// spans miss
	// metrics miss
}

func ExampleClient_Stats() {
	c := newWatched(nil)
	defer c.Close()
	for range 4 {
		if _, err := upstream.ReadList(context.Background(), c, "golang.org/x/mod"); err != nil {
			log.Fatal(err)
		}
	}
	s := c.Stats()
	fmt.Println(s.Total(), "requests,", s.Requests[fetch.HitMemory], "from memory")
	fmt.Println("hit ratio", s.HitRatio(), "success", s.Success())
	for _, source := range s.Sources {
		fmt.Println(source.Source, source.Health[upstream.SmallFiles].State)
	}
	// Output:
	// 4 requests, 3 from memory
	// hit ratio 0.75 success 1
	// files working
}

// A page for whoever runs the service, and the same as JSON for programs.
func ExampleNewStatusHandler() {
	c := newWatched(nil)
	defer c.Close()
	status := fetch.NewStatusHandler(c, &fetch.StatusOptions{Title: "modules.corp.example"})
	defer status.Close()
	mux := http.NewServeMux()
	mux.Handle("/", fetch.NewHandler(c, nil))
	mux.Handle("/status", status) // behind your own access control: it names modules

	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/status?format=json", nil))
	var report fetch.StatusReport
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Weather.State, report.LastHour.Requests, report.Modules[0].Module)
	// Output: well 1 golang.org/x/mod
}

// For an orchestrator: whether to start the program anew, and whether to send requests.
func ExampleNewReadinessHandler() {
	c := newWatched(nil)
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", fetch.LivenessHandler())
	mux.Handle("GET /readyz", fetch.NewReadinessHandler(c, &fetch.ReadinessOptions{Require: fetch.CanServe}))

	ask := func(path string) int {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	fmt.Println(ask("/healthz"), ask("/readyz"))
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask("/healthz"), ask("/readyz"))
	// Output:
	// 200 200
	// 200 503
}

// What is wrong with a source, and what to do about it: here nothing listens there.
func ExampleDiagnose() {
	server := httptest.NewServer(nil)
	server.Close()
	diagnosis, err := fetch.Diagnose(context.Background(), &fetch.Options{
		Go: &fetch.GoSettings{GOPROXY: server.URL, GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err) // the options are wrong
	}
	fmt.Println(diagnosis.OK()) // fmt.Print(diagnosis) says all
	for _, source := range diagnosis.Sources {
		for _, f := range source.Findings {
			fmt.Println(f.Severity, f.Problem, f.Advice != "")
		}
	}
	// Output:
	// false
	// problem refused true
}

// A line for each request, written in the background.
func ExampleNewAccessLog() {
	var file bytes.Buffer // for you: os.Stderr, or a file
	lines := fetch.NewAccessLog(slog.New(slog.NewJSONHandler(&file, nil)))
	c := newWatched(nil)
	defer c.Close()
	handler := fetch.NewHandler(c, &fetch.HandlerOptions{Access: lines.Access})

	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil))
	if err := lines.Close(context.Background()); err != nil { // when the server has ended
		log.Fatal(err)
	}
	for line := range strings.Lines(file.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			log.Fatal(err)
		}
		fmt.Println(one["method"], one["path"], one["status"], one["outcome"])
	}
	// Output: GET /golang.org/x/mod/@v/list 200 miss
}
