package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/fetch/audit"
)

func ExampleLog() {
	tell := audit.Log(slog.New(slog.NewJSONHandler(os.Stdout, nil))) // for HandlerOptions.Audit
	tell(context.Background(), audit.Record{
		Time:   time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
		Caller: "192.0.2.1", Module: "example.com/hello", Version: "v1.0.0", Kind: "zip",
		Status: 403, Decision: audit.Denied, Rule: "rule", Reason: "withdrawn",
	})
	// Output:
	// {"time":"2026-03-04T12:00:00Z","level":"WARN","msg":"denied","audit":{"decision":"denied","caller":"192.0.2.1","module":"example.com/hello","version":"v1.0.0","kind":"zip","status":403,"rule":"rule","reason":"withdrawn"}}
}

// What was handed out in March.
func ExampleWriteCycloneDX() {
	file := strings.NewReader(`{"time":"2026-03-04T12:00:00Z","level":"INFO","msg":"download","audit":{"decision":"allowed",` +
		`"caller":"192.0.2.1","module":"example.com/hello","version":"v1.0.0","kind":"zip","status":200,"sent":1000}}` + "\n")
	march := &audit.BOMOptions{
		From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		To:   time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}
	var bom bytes.Buffer
	if err := audit.WriteCycloneDX(&bom, audit.Read(file), march); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(bom.String()) {
		if strings.Contains(line, "purl") {
			fmt.Println(strings.TrimSpace(line))
		}
	}
	// Output: "purl": "pkg:golang/example.com/hello@v1.0.0",
}
