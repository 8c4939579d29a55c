package display_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

const (
	proxy    = "https://proxy.example"
	database = "checksum database"
)

var (
	modV042   = module.Version{Path: "golang.org/x/mod", Version: "v0.42.0"}
	netLatest = module.Version{Path: "golang.org/x/net", Version: "latest"}
	textV09   = module.Version{Path: "golang.org/x/text", Version: "v0.9.0"}
)

// shown is what a Display wrote, and what its Close returned.
type shown struct {
	out, diagnostics string
	summary          display.Summary
}

// play runs script against a Display in a bubble, and returns what it showed.
func play(t *testing.T, mode display.Mode, script func(*display.Display)) shown {
	t.Helper()
	var out, diagnostics strings.Builder
	var got shown
	synctest.Test(t, func(t *testing.T) {
		d := display.New(&out, &diagnostics, mode, nil)
		script(d)
		got.summary = d.Close()
	})
	got.out, got.diagnostics = out.String(), diagnostics.String()
	return got
}

// download is a download in which most that can happen does.
func download(d *display.Display) {
	d.Expect(6)
	fetched := d.Begin(modV042)
	fetched.Arriving(proxy, 130<<10, func() int64 { return 1 << 10 })
	queried := d.Begin(netLatest)
	time.Sleep(400 * time.Millisecond)
	fetched.Done(display.Result{Bytes: 130 << 10, Source: proxy, Verified: database})
	fetched.Done(display.Result{Err: errors.New("only the first counts")})
	d.Note("left https://mirror.example:\nconnection refused")
	queried.Done(display.Result{Version: "v0.50.0", Bytes: 1258291, Source: proxy, Verified: "go.sum", Took: 63 * time.Second})
	d.Begin(textV09).Done(display.Result{Bytes: 8 << 20, Cached: true, Verified: database})
	d.Begin(module.Version{Path: "example.com/none", Version: "v1.0.0"}).Done(display.Result{Err: notFound()})
	d.Begin(module.Version{Path: "example.com/full", Version: "main"}).Done(display.Result{Err: full()})
	d.Begin(module.Version{Path: "example.com/gone", Version: "v1.0.0"}).Done(display.Result{Err: canceled()})
}

func notFound() error {
	return &upstream.Error{
		Class: upstream.NotFound, Subject: "example.com/none@v1.0.0 (zip)", Source: proxy, Status: 404, Text: "no such module",
		Attempts: []*upstream.Error{{Class: upstream.NotFound, Source: "https://mirror.example", Status: 410}},
	}
}

func full() error {
	return &fs.PathError{Op: "write", Path: "cache/zip", Err: syscall.ENOSPC}
}

func canceled() error { return &upstream.Error{Class: upstream.Canceled} }

func equal(t *testing.T, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
