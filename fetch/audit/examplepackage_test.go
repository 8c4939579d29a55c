package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
)

// A handler keeps account of who got what in a file, which is read back.
func Example() {
	client, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"golang.org/x/mod/@v/v0.32.0.mod": {Data: []byte("module golang.org/x/mod\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var file bytes.Buffer // for you: a file that is opened to append
	handler := fetch.NewHandler(client, &fetch.HandlerOptions{Audit: audit.LogJSON(&file)})
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/golang.org/x/mod/@v/v0.32.0.mod", nil))

	for record, err := range audit.Read(&file) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.Caller, record.Decision, record.Module, record.Version, record.Kind, "from", record.Source)
	}
	// Output: 192.0.2.1 allowed golang.org/x/mod v0.32.0 mod from files
}

// The same lines as those of Log with a JSON handler, for less.
func ExampleLogJSON() {
	var file bytes.Buffer
	tell := audit.LogJSON(&file) // for HandlerOptions.Audit
	tell(context.Background(), audit.Record{
		Time:   time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
		Caller: "ann", Module: "golang.org/x/mod", Version: "v0.32.0", Kind: "zip", Status: 200, Decision: audit.Allowed,
	})
	fmt.Print(file.String())
	// Output:
	// {"time":"2026-03-04T12:00:00Z","level":"INFO","msg":"download","audit":{"decision":"allowed","caller":"ann","module":"golang.org/x/mod","version":"v0.32.0","kind":"zip","status":200}}
}

// A line that was cut when the disk was full is told of, and the others are read.
func ExampleRead() {
	file := bytes.NewBufferString(`{"time":"2026-03-04T12:00:00Z","level":"INFO","msg":"download","audit":{"decision":"allowed","caller":"ann"` + "\n" +
		`{"time":"2026-03-04T12:00:01Z","level":"WARN","msg":"denied","audit":{"decision":"denied","caller":"bob","module":"corp.example/secret"}}` + "\n")
	for record, err := range audit.Read(file) {
		if err != nil {
			fmt.Println("one line cannot be read")
			continue
		}
		fmt.Println(record.Caller, record.Decision, record.Module)
	}
	// Output:
	// one line cannot be read
	// bob denied corp.example/secret
}
