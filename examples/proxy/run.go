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
	"net/http"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
)

// run is the whole program: it serves until ctx ends, and returns the exit
// code, which is 2 for a mistake in args and 1 for any other failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "breakwater: %s (-h lists the flags)\n", oneLine(err))
		return 2
	}
	log := newLog(stderr, cfg.logFormat, cfg.logLevel)
	v := cfg.newVoice(stderr, log)
	if err := proxy(ctx, cfg, stdout, log, v); err != nil {
		v.fail(err)
		return 1
	}
	return 0
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func proxy(ctx context.Context, cfg config, stdout io.Writer, log *slog.Logger, v voice) (err error) {
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
	records, err := cfg.openAudit(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.close()) }()
	client, err := newClient(cfg, settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	listener, err := listen("-listen", cfg.listen)
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
	requests := cfg.newAccessLog(stdout, log)
	defer func() { err = errors.Join(err, requests.close()) }()
	p := &parts{config: cfg, client: client, cert: cert, log: log, voice: v}
	return p.serve(ctx, listener, requests.access(), records)
}

// parts are what is served and how.
type parts struct {
	config
	client *fetch.Client
	cert   *keyPair
	log    *slog.Logger
	voice  voice
}

// serve serves the modules, and the operators' pages where they belong, until ctx
// ends.
func (p *parts) serve(ctx context.Context, listener net.Listener, access accessFunc, records *auditFile) error {
	open := checks(p.client)
	base := baseURL(p.listen, portOf(listener), p.hosts, p.cert)
	var own, beside *operators
	var at string // where the operators' pages are
	if p.mayShow(listener) || p.admin != "" {
		own = newOperators(p.client)
		defer own.close()
	}
	if p.admin != "" {
		admin, stop, err := p.serveAdmin(adminRoutes(open, own))
		if err != nil {
			return err
		}
		defer stop()
		at = admin
	} else if own != nil {
		at, beside = base, own
	}
	modules := fetch.NewHandler(p.client, &fetch.HandlerOptions{
		Access: own.access().join(access), Audit: records.record(), Logger: p.log, Stream: p.stream,
	})
	p.announce(p.voice, base, p.cert)
	p.voice.sayWhere(at)
	server := newServer(routes(modules, open, beside), p.servedHosts(), p.cert, p.log)
	return serve(ctx, server, listener, shutdownLimit, p.voice)
}

// serveAdmin serves the operators' address until stop is called, and returns its URL.
func (p *parts) serveAdmin(handler http.Handler) (base string, stop func(), err error) {
	listener, err := listen("-admin", p.admin)
	if err != nil {
		return "", nil, err
	}
	if p.cert == nil { // else no name of somebody else's leads here
		handler = onlyAs(p.adminHosts(), handler)
	}
	stop = serveBeside(newServer(handler, nil, p.cert, p.log), listener, p.log)
	return baseURL(p.admin, portOf(listener), nil, p.cert), stop, nil
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
	opts := &fetch.Options{
		Go:          settings,
		CacheDir:    cfg.cache,
		MemoryBytes: cfg.memory.budget(),
		Offline:     cfg.offline,
		Logger:      log,
	}
	if cfg.prefetch {
		opts.Prefetch = &fetch.PrefetchOptions{}
	}
	client, err := fetch.New(opts)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("%w: choose a directory that can be written with -cache", err)
	}
	return client, err
}

func listen(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with %s (localhost:0 takes any free port)", err, flag)
	}
	return listener, nil
}
