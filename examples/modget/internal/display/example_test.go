package display_test

import (
	"io"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// In a pipe each module has a line. The summary goes to the other writer, which a
// program would have be standard error.
func Example() {
	d := display.New(os.Stdout, io.Discard, display.Plain, nil)
	defer d.Close()
	d.Expect(2)
	arrived := d.Begin(module.Version{Path: "golang.org/x/mod", Version: "v0.42.0"})
	arrived.Arriving("https://proxy.example", 133120, func() int64 { return 65536 })
	arrived.Done(display.Result{Bytes: 133120, Source: "https://proxy.example", Took: 400 * time.Millisecond})
	here := d.Begin(module.Version{Path: "golang.org/x/text", Version: "v0.9.0"})
	here.Done(display.Result{Bytes: 8 << 20, Cached: true})
	// Output:
	// golang.org/x/mod v0.42.0  130 KiB  from https://proxy.example  0.4s
	// golang.org/x/text v0.9.0  8.0 MiB  cached
}

// Quiet says nothing but what failed, and what to do about it.
func ExampleQuiet() {
	d := display.New(os.Stdout, os.Stdout, display.Quiet, nil)
	defer d.Close()
	i := d.Begin(module.Version{Path: "golang.org/x/mud", Version: "v0.42.0"})
	i.Done(display.Result{Err: &upstream.Error{Class: upstream.NotFound, Source: "https://proxy.example", Status: 404}})
	// Output:
	// golang.org/x/mud v0.42.0  failed: https://proxy.example: not found (status 404). Check the spelling of the path and the version.
}
