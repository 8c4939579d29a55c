package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
)

// run is the whole program: it serves until ctx ends, and returns the exit
// code, which is 2 for a mistake in args and 1 for any other failure.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	cfg, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "breakwater: %s (-h lists the flags)\n", oneLine(err))
		return 2
	}
	if err := proxy(ctx, cfg, stderr); err != nil {
		fmt.Fprintf(stderr, "breakwater: %s\n", oneLine(err))
		return 1
	}
	return 0
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func proxy(ctx context.Context, cfg config, stderr io.Writer) (err error) {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	cert, err := cfg.loadKeyPair(log)
	if err != nil {
		return err
	}
	settings, err := goSettings(ctx, cfg)
	if ctx.Err() != nil {
		return nil // told to end before it began
	}
	if err != nil {
		return err
	}
	client, err := newClient(cfg, settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	listener, err := listen(cfg.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	// Only now is the port known for certain.
	if !cfg.offline {
		if err := refuseOwnAddress(ctx, settings.GOPROXY, portOf(listener)); err != nil {
			return err
		}
	}
	announce(stderr, baseURL(cfg.listen, portOf(listener), cert), cert)
	return serve(ctx, newServer(client, cert, log), listener, shutdownLimit, stderr)
}

// goSettings reads where modules come from. Offline, that need not be set, and
// the library is left to find out.
func goSettings(ctx context.Context, cfg config) (*fetch.GoSettings, error) {
	if cfg.offline {
		return nil, nil
	}
	settings, err := fetch.ReadGoSettings(ctx)
	return &settings, err
}

func newClient(cfg config, settings *fetch.GoSettings, log *slog.Logger) (*fetch.Client, error) {
	if _, err := os.UserCacheDir(); err != nil && cfg.cache == "" {
		return nil, fmt.Errorf("%w, so there is no place for the cache: choose a directory with -cache", err)
	}
	client, err := fetch.New(&fetch.Options{
		Go:          settings,
		CacheDir:    cfg.cache,
		MemoryBytes: cfg.memory.budget(),
		Offline:     cfg.offline,
		Logger:      log,
	})
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("%w: choose a directory that can be written with -cache", err)
	}
	return client, err
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with -listen (localhost:0 takes any free port)", err)
	}
	return listener, nil
}
