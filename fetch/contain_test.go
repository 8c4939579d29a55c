package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// panicking is a body that cannot be read.
type panicking struct{ io.ReadCloser }

func (panicking) Read([]byte) (int, error) { panic("boom") }
func (panicking) Close() error             { return nil }

// What an Upstream must not do is its own failure: it is named, strangers do not
// see our stack, and the next source is asked.
func TestMisbehavingSources(t *testing.T) {
	misbehaviour := map[string]upstream.Func{
		"panics":        func(context.Context, upstream.Request) (*upstream.Response, error) { panic("boom") },
		"gives nothing": func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, nil },
		"gives no body": func(context.Context, upstream.Request) (*upstream.Response, error) { return &upstream.Response{}, nil },
		"plain error":   func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, errors.New("oops") },
		"nil pointer for an error": func(context.Context, upstream.Request) (*upstream.Response, error) {
			var none *upstream.Error
			return nil, none
		},
		"body panics": func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: panicking{}}, nil
		},
	}
	req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	for name, bad := range misbehaviour {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			opts := fetch.Options{Upstream: bad, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			_, err := newClient(t, opts).Fetch(t.Context(), req)
			e, ok := errors.AsType[*upstream.Error](err)
			if !ok || e.Class != upstream.Unavailable || e.Source != "upstream.Func" || strings.Contains(e.Error(), "goroutine") {
				t.Errorf("alone: %v", err)
			}
			if panics := strings.Contains(name, "panics"); panics != strings.Contains(log.String(), "goroutine") {
				t.Errorf("the log says %q", log.String())
			}
			good := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
			opts.Upstream = upstream.Mirrors(bad, good)
			if data, err := upstream.ReadAll(t.Context(), newClient(t, opts), req); err != nil || string(data) != goMod {
				t.Errorf("with another mirror: %q, %v", data, err)
			}
		})
	}
}

func TestNewRefusesNilSources(t *testing.T) {
	for _, u := range []upstream.Upstream{upstream.Mirrors(nil), upstream.Fallback(upstream.Step{}), upstream.Routes(upstream.Off(), upstream.Route{})} {
		if c, err := fetch.New(&fetch.Options{Upstream: u, CacheDir: t.TempDir()}); err == nil {
			c.Close()
			t.Errorf("New accepts %T of nil", u)
		}
	}
}
