package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
)

const usage = `usage: proxy [flags]

A caching Go module proxy. It fetches from the sources in "go env GOPROXY".

  -listen HOST:PORT   where to serve (default localhost:8080; port 0 takes any free one)
  -hosts NAME,...     serve only who asks for one of these names or addresses, or for localhost; the first is announced
  -cache DIR          where to keep what was fetched (default: breakwater in the user's cache directory)
  -memory SIZE        how much of it to keep in memory as well: 512KiB, 64MiB, 1GiB, bytes, off (default 64MiB)
  -stream             send a zip to the client while it is downloaded and verified, but for its end
  -prefetch           fetch go.mod files in the background before the go command asks for them
  -offline            serve what is in the cache and ask no source
  -tls-cert FILE      serve https with this certificate (PEM); it is loaded again when it changes
  -tls-key FILE       the certificate's key (PEM)
  -admin HOST:PORT    serve /metrics and /status there (default: beside the modules if -listen is a loopback address);
                      it asks nobody who he is. /healthz and /readyz are at both addresses
  -admin-hosts NAME,...  names that -admin is asked for by, besides those of -hosts, any address, and localhost
  -access-log FORMAT  write a line for each request to standard output: text or json (default off);
                      lines are left out while nobody reads them
  -audit FILE         append a line of JSON for each download and each denial to FILE
  -log-format FORMAT  write the log to standard error as text or json (default text)
  -log-level LEVEL    from which level on: debug, info, warn or error (default info)
`

// config is what the command line says.
type config struct {
	listen          string
	hosts           []string
	cache           string
	memory          size
	offline         bool
	stream          bool
	prefetch        bool
	tlsCert, tlsKey string
	admin           string
	adminNames      []string
	accessLog       string // a format; empty for off
	audit           string
	logFormat       string
	logLevel        slog.Level
}

// parseFlags reads the command line. [flag.ErrHelp] means that it asks for help.
func parseFlags(args []string) (config, error) {
	cfg := config{memory: 64 << 20, logFormat: "text"}
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one line says what is wrong, not a page
	flags.StringVar(&cfg.listen, "listen", "localhost:8080", "")
	flags.Func("hosts", "", names(&cfg.hosts))
	flags.StringVar(&cfg.cache, "cache", "", "")
	flags.Var(&cfg.memory, "memory", "")
	flags.BoolVar(&cfg.offline, "offline", false, "")
	flags.BoolVar(&cfg.stream, "stream", false, "")
	flags.BoolVar(&cfg.prefetch, "prefetch", false, "")
	flags.StringVar(&cfg.tlsCert, "tls-cert", "", "")
	flags.StringVar(&cfg.tlsKey, "tls-key", "", "")
	flags.StringVar(&cfg.admin, "admin", "", "")
	flags.Func("admin-hosts", "", names(&cfg.adminNames))
	flags.Func("access-log", "", choice(&cfg.accessLog, "text", "json", "off"))
	flags.StringVar(&cfg.audit, "audit", "", "")
	flags.Func("log-format", "", choice(&cfg.logFormat, "text", "json"))
	flags.Func("log-level", "", cfg.setLogLevel)
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	return cfg, cfg.check()
}

// choice returns the func of a flag that has one of these values; "off" is none.
func choice(value *string, values ...string) func(string) error {
	return func(text string) error {
		if !slices.Contains(values, text) {
			return fmt.Errorf("want one of %s", strings.Join(values, ", "))
		}
		*value = text
		if text == "off" {
			*value = ""
		}
		return nil
	}
}

// names returns the func of a flag that is a list of names of hosts.
func names(list *[]string) func(string) error {
	return func(text string) error {
		*list = strings.Split(text, ",")
		for _, host := range *list {
			if host == "" || strings.ContainsAny(host, " /@[]") || net.ParseIP(host) == nil && strings.Contains(host, ":") {
				return errors.New("want names or addresses, without port and with commas alone between them")
			}
		}
		return nil
	}
}

func (c *config) setLogLevel(text string) error {
	if err := c.logLevel.UnmarshalText([]byte(text)); err != nil {
		return errors.New("want debug, info, warn or error")
	}
	return nil
}

func (c *config) check() error {
	if err := checkAddress("-listen", c.listen); err != nil {
		return err
	}
	if c.admin != "" {
		if err := checkAddress("-admin", c.admin); err != nil {
			return err
		}
	}
	if c.adminNames != nil && c.admin == "" {
		return errors.New("-admin-hosts are names for -admin: give both")
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return errors.New("-tls-cert and -tls-key go together: give both or none")
	}
	return nil
}

func checkAddress(flag, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%s wants HOST:PORT, such as localhost:8080, not %q: %w", flag, address, err)
	}
	return nil
}
