package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// serveCommand is the first argument of this program where it is to be a peer. Then come
// {addr} and {dir}. Its sources it is told by its environment, like everybody.
const serveCommand = "breakwater-proxy"

// serveIfAsked serves until ctx ends, if this process was started for that. Except for what
// the arguments say, options are the defaults.
func serveIfAsked(ctx context.Context, args []string) (served bool, err error) {
	if len(args) == 0 || args[0] != serveCommand {
		return false, nil
	}
	if len(args) != 3 {
		return true, fmt.Errorf("%s wants {addr} and {dir}", serveCommand)
	}
	return true, serveBreakwater(ctx, args[1], &fetch.Options{
		Go:       &fetch.GoSettings{GOPROXY: os.Getenv("GOPROXY"), GOSUMDB: os.Getenv("GOSUMDB")},
		CacheDir: args[2],
		Logger:   slog.New(slog.DiscardHandler),
	})
}

func serveBreakwater(ctx context.Context, address string, opts *fetch.Options) (err error) {
	client, err := fetch.New(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: fetch.NewHandler(client, nil), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
