package main

import (
	"errors"
	"io"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// openSources makes the sources of the user's GOPROXY, with the user's credentials.
// upstream.NewGOPROXY alone would have no version control for "direct": it would find
// nothing there. The caller closes them, when nobody asks them any more.
func openSources(settings fetch.GoSettings) (upstream.Upstream, io.Closer, error) {
	entries, err := upstream.ParseGOPROXY(settings.GOPROXY)
	if err != nil {
		return nil, nil, err
	}
	credentials, err := auth.New(settings.GOAUTH, nil)
	if err != nil {
		return nil, nil, err
	}
	direct, closer, err := openDirect(settings, credentials)
	if err != nil {
		return nil, nil, err
	}
	var steps []upstream.Step
	for _, entry := range entries {
		source := direct
		if entry.URL != "direct" {
			source, err = entry.Open(&upstream.HTTPOptions{Credentials: credentials})
		}
		if err != nil {
			return nil, nil, errors.Join(err, closer.Close())
		}
		steps = append(steps, upstream.Step{Upstream: source, OnAnyError: entry.OnAnyError})
	}
	return upstream.Fallback(steps...), closer, nil
}

// openDirect makes what fetches from version control. Without the go command or git,
// that is what finds nothing, and says so.
func openDirect(settings fetch.GoSettings, credentials upstream.Credentials) (upstream.Upstream, io.Closer, error) {
	source, err := gocmd.New(&gocmd.Options{
		VCS: settings.GOVCS, Private: settings.GOPRIVATE, Insecure: settings.GOINSECURE, Credentials: credentials,
	})
	if errors.Is(err, gocmd.ErrNoCommand) {
		return upstream.Direct(), io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, nil, err
	}
	return source, source, nil
}
