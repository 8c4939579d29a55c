package display_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/upstream"
)

// A failure is one line: what happened, and what to do.
func TestFailures(t *testing.T) {
	of := func(class upstream.Class, status int, text string) error {
		return &upstream.Error{Class: class, Source: proxy, Status: status, Text: text}
	}
	noSpace := fmt.Errorf("the spool cannot be written: %w", syscall.ENOSPC)
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"not found", of(upstream.NotFound, 404, ""), "https://proxy.example: not found (status 404). Check the spelling of the path and the version."},
		{"only the first sentence", of(upstream.NotFound, 410, "gone. Ask elsewhere."), "https://proxy.example: not found (status 410): gone. Check the spelling of the path and the version."},
		{"off", &upstream.Error{Class: upstream.NotFound, Source: "off", Err: errors.New("disabled")}, "off: not found: disabled. Name a source in GOPROXY."},
		{"offline", &upstream.Error{Class: upstream.Unavailable, Err: upstream.ErrOffline}, "unavailable: " + upstream.ErrOffline.Error()},
		{"denied by the source, which says why", of(upstream.Denied, 403, "not approved"), "https://proxy.example: denied (status 403): not approved"},
		{"denied by the source", of(upstream.Denied, 401, "no"), "https://proxy.example: denied (status 401): no. See that the source lets you in: GOAUTH or .netrc names your credentials."},
		{"denied by us, with a way out", &upstream.Error{Class: upstream.Denied, Err: errors.New("exempt it with GONOSUMDB")}, "denied: exempt it with GONOSUMDB"},
		{"timeout", of(upstream.Timeout, 0, ""), "https://proxy.example: timeout. Try again, or allow it more time."},
		{"a bare deadline", context.DeadlineExceeded, "context deadline exceeded. Try again, or allow it more time."},
		{"unavailable", of(upstream.Unavailable, 502, ""), "https://proxy.example: unavailable (status 502). Check the network and try again, or name another source in GOPROXY."},
		{"untrusted", of(upstream.Untrusted, 0, "h1:a= is not h1:b="), "https://proxy.example: untrusted: h1:a= is not h1:b=. Do not use these files, and tell whoever runs the source."},
		{"overloaded", of(upstream.Overloaded, 0, ""), "https://proxy.example: overloaded. Try again with fewer modules at once."},
		{"a full disk behind it", &upstream.Error{Err: noSpace}, "unavailable: the spool cannot be written: no space left on device. Free some space on the disk, and try again."},
		{"local: may not write", &fs.PathError{Op: "mkdir", Path: "there", Err: fs.ErrPermission}, "mkdir there: permission denied. See that you may write there, or name another directory."},
		{"local: says it itself", errors.New("two files are one\nsee below"), "two files are one"},
		{"wrapped", fmt.Errorf("its go.mod: %w", of(upstream.NotFound, 404, "")), "its go.mod: https://proxy.example: not found (status 404). Check the spelling of the path and the version."},
		{"tricks", errors.New("red \x1b[31m"), "red \ufffd[31m"},
		{"long", errors.New(strings.Repeat("é", 400)), strings.Repeat("é", 200) + "..."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := play(t, display.Quiet, func(d *display.Display) {
				d.Begin(modV042).Done(display.Result{Err: tt.err})
			})
			equal(t, "the line", "golang.org/x/mod v0.42.0  failed: "+tt.want+"\n", got.diagnostics)
		})
	}
}
