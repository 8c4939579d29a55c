package main

import (
	"log/slog"
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// ours is Breakwater as it is embedded, with its default store.
func (s serving) ours(stack *closers) (http.Handler, error) {
	c, err := s.newClient()
	if err != nil {
		return nil, err
	}
	stack.push(c.Close)
	return fetch.NewHandler(c, &fetch.HandlerOptions{Logger: slog.New(slog.DiscardHandler), Stream: s.Stream}), nil
}

func (s serving) newClient() (*fetch.Client, error) {
	opts := &fetch.Options{
		Upstream: upstream.Dir(s.Tree),
		Go:       &fetch.GoSettings{GOSUMDB: "off"},
		CacheDir: s.Cache,
		Logger:   slog.New(slog.DiscardHandler),
	}
	var err error
	if s.From != "" {
		if opts.Upstream, err = upstream.NewHTTP(s.From, nil); err != nil {
			return nil, err
		}
	}
	if s.Sums != "" {
		if opts.GoSum, err = verify.ParseGoSum("go.sum", []byte(s.Sums)); err != nil {
			return nil, err
		}
	}
	return fetch.New(opts)
}
