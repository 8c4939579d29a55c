package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// start runs the program until the test ends and returns the address it serves.
func start(t *testing.T, cfg config) string {
	t.Helper()
	cfg.listen, cfg.cache = "127.0.0.1:0", t.TempDir()
	program := fixture.Start(t, func(ctx context.Context, output io.Writer) error { return run(ctx, cfg, output) })
	return program.Output.After(t, "serving ")
}

func TestGoCommandThroughBoth(t *testing.T) {
	ca := newAuthority(t)
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	central := start(t, ca.config("central"))
	laptop := ca.config("laptop")
	laptop.from = "https://" + central
	local := start(t, laptop)

	goCommand := fixture.NewGoCommand(t, "http://"+local)
	goCommand.Run(t, "get", "example.com/hello/greet@latest")
	goCommand.Run(t, "mod", "download", "all")
	if got, want := goCommand.Extracted(t, "example.com/dep@v0.1.0", "dep.go"), "package dep\n\nconst Name = \"dep\"\n"; got != want {
		t.Errorf("dep.go is %q, want %q", got, want)
	}
	asked := len(source.Asked())
	another := ca.config("desktop")
	another.from = "https://" + central
	fixture.NewGoCommand(t, "http://"+start(t, another)).Run(t, "mod", "download", "example.com/hello@v1.1.0")
	if again := source.Asked()[asked:]; len(again) > 0 {
		t.Errorf("the source was asked again for %v", again)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	ca, otherCA := newAuthority(t), newAuthority(t)
	fixture.Settings(t, fixture.NewSource(t).URL)
	central := start(t, ca.config("central"))
	for _, tt := range []struct {
		name string
		show []tls.Certificate
		want string // in the error; "" for an answer
	}{
		{"of the authority", ca.load(t, "laptop"), ""},
		{"none", nil, "certificate required"},
		{"of another authority", otherCA.load(t, "laptop"), "certificate required"}, // it is not even shown
		{"of nobody's name", ca.load(t, ""), "status 403"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool(), Certificates: tt.show}}
			defer transport.CloseIdleConnections()
			got := ""
			resp, err := (&http.Client{Transport: transport}).Get("https://" + central + "/example.com/hello/@v/list")
			switch {
			case err != nil:
				got = err.Error()
			case resp.StatusCode != 200:
				got = "status " + resp.Status
			}
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if err == nil {
				resp.Body.Close()
			}
		})
	}
}

func TestLocalBelievesOnlyTheAuthority(t *testing.T) {
	ca, otherCA := newAuthority(t), newAuthority(t)
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	laptop := ca.config("laptop")
	laptop.from = "https://" + start(t, otherCA.config("central"))
	local := start(t, laptop)
	_, stderr, err := fixture.NewGoCommand(t, "http://"+local).Try(t, "mod", "download", "example.com/hello@v1.1.0")
	if err == nil || !strings.Contains(stderr, "certificate signed by unknown authority") {
		t.Errorf("%v, and the go command says\n%s", err, stderr)
	}
	if asked := source.Asked(); len(asked) > 0 {
		t.Errorf("the source was asked for %v", asked)
	}
}

// A web page whose name was made to lead to this machine gets nothing.
func TestLocalGoesByItsOwnName(t *testing.T) {
	ca := newAuthority(t)
	fixture.Settings(t, fixture.NewSource(t).URL)
	laptop := ca.config("laptop")
	laptop.from = "https://" + start(t, ca.config("central"))
	local := start(t, laptop)
	_, port, _ := net.SplitHostPort(local)
	for host, want := range map[string]int{"localhost:" + port: 200, local: 200, "page.example:" + port: 421} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+local+"/example.com/hello/@v/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	ca := newAuthority(t)
	good := ca.config("laptop")
	for _, tt := range []struct {
		name   string
		change func(*config)
		want   string
	}{
		{"no certificate", func(c *config) { c.cert = "absent.pem" }, "-cert and -key"},
		{"another's key", func(c *config) { c.key = ca.config("other").key }, "-cert and -key"},
		{"no authority", func(c *config) { c.ca = filepath.Join(t.TempDir(), "absent.pem") }, "-ca"},
		{"a key for an authority", func(c *config) { c.ca = c.key }, "-ca: no certificate"},
		{"not a URL", func(c *config) { c.from = "central" }, "-from"},
		{"no encryption", func(c *config) { c.from = "http://127.0.0.1:1" }, "-from: without https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fixture.Settings(t, "off")
			cfg := good
			cfg.listen = "127.0.0.1:0"
			tt.change(&cfg)
			if err := run(t.Context(), cfg, fixture.NewOutput()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}
