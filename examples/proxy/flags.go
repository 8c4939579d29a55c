package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
)

const usage = `usage: proxy [flags]

A caching Go module proxy. It fetches from the sources in "go env GOPROXY".

  -listen HOST:PORT   where to serve (default localhost:8080; port 0 takes any free one)
  -cache DIR          where to keep what was fetched (default: breakwater in the user's cache directory)
  -memory SIZE        how much of it to keep in memory as well: 512KiB, 64MiB, 1GiB, bytes, off (default 64MiB)
  -offline            serve what is in the cache and ask no source
  -tls-cert FILE      serve https with this certificate (PEM); it is loaded again when it changes
  -tls-key FILE       the certificate's key (PEM)
`

// config is what the command line says.
type config struct {
	listen          string
	cache           string
	memory          size
	offline         bool
	tlsCert, tlsKey string
}

// parseFlags reads the command line. [flag.ErrHelp] means that it asks for help.
func parseFlags(args []string) (config, error) {
	cfg := config{memory: 64 << 20}
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one line says what is wrong, not a page
	flags.StringVar(&cfg.listen, "listen", "localhost:8080", "")
	flags.StringVar(&cfg.cache, "cache", "", "")
	flags.Var(&cfg.memory, "memory", "")
	flags.BoolVar(&cfg.offline, "offline", false, "")
	flags.StringVar(&cfg.tlsCert, "tls-cert", "", "")
	flags.StringVar(&cfg.tlsKey, "tls-key", "", "")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	return cfg, cfg.check()
}

func (c config) check() error {
	_, port, err := net.SplitHostPort(c.listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("-listen wants HOST:PORT, such as localhost:8080, not %q: %w", c.listen, err)
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return errors.New("-tls-cert and -tls-key go together: give both or none")
	}
	return nil
}
