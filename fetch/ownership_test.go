package fetch_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// GOPRIVATE is the default of GONOPROXY and GONOSUMDB, wherever the settings come
// from.
func TestGOPRIVATEIsADefault(t *testing.T) {
	public := newOrigin(t)
	opts := proxyOptions(serve(t, public))
	opts.Go.GOSUMDB, opts.Go.GOPRIVATE = public.VerifierKey, "example.com/hello"
	c := newClient(t, opts)
	for _, req := range everything(t, "example.com/hello", "v1.0.0") {
		if resp, err := c.Fetch(t.Context(), req); err == nil {
			resp.Body.Close()
			t.Errorf("%v has been had", req)
		}
	}
	wantNothingAskedOf(t, public, "hello")
}

// What is claimed has no source of its own by a GOPRIVATE that Upstream has taken
// the place of.
func TestClaimedBesideTheUsersGOPRIVATE(t *testing.T) {
	t.Setenv("GOPRIVATE", "example.com/hello")
	t.Setenv("GOSUMDB", "off")
	public := &scripted{}
	c, err := fetch.New(&fetch.Options{
		Upstream: public, Claimed: "example.com/hello", Store: cache.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Fetch(t.Context(), request(t, upstream.Zip, "example.com/hello", "v1.0.0"))
	if upstream.ClassOf(err) != upstream.Denied || public.calls.Load() != 0 {
		t.Errorf("%v, after %d calls", err, public.calls.Load())
	}
}

// The names of private and claimed modules are theirs however they are spelled.
func TestNamesAreOwnedInAnyCase(t *testing.T) {
	public, own := &scripted{}, newOrigin(t)
	source, err := upstream.NewHTTP(serve(t, own), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, fetch.Options{
		Upstream: public, Claimed: "github.com/acme",
		Private: []upstream.Route{{Patterns: "example.com/Secret", Upstream: source}},
	})
	for _, path := range []string{
		"github.com/acme/x", "github.com/Acme/x", "github.com/ACME/x", "github.com/acme.git/x",
		"example.com/secret", "example.com/SECRET/v2", "example.com/secret.git",
	} {
		_, err := c.Fetch(t.Context(), request(t, upstream.List, path, ""))
		if upstream.ClassOf(err) != upstream.Denied {
			t.Errorf("%s: %v, want denied", path, err)
		}
	}
	if n := public.calls.Load(); n != 0 {
		t.Errorf("the public source was asked %d times", n)
	}
	c.Fetch(t.Context(), request(t, upstream.List, "example.com/Secret", ""))
	if asked := own.Asked(); len(asked) != 1 {
		t.Errorf("the private source was asked for %q", asked)
	}
}

// A client certificate is for the proxies; the checksum database does not see it.
func TestDatabaseSeesNoClientCertificate(t *testing.T) {
	o := newOrigin(t)
	var mu sync.Mutex
	shown := map[string]bool{}
	start := func(name string, h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			shown[name] = len(r.TLS.PeerCertificates) > 0
			mu.Unlock()
			h.ServeHTTP(w, r)
		}))
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	proxy := start("proxy", o)
	database := start("database", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/sumdb/sum.example.com" + r.URL.Path
		o.ServeHTTP(w, r)
	}))
	roots := x509.NewCertPool()
	roots.AddCert(proxy.Certificate())
	roots.AddCert(database.Certificate())
	opts := proxyOptions(proxy.URL)
	opts.Go.GOSUMDB = o.VerifierKey + " " + database.URL
	opts.HTTP = &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: roots, Certificates: proxy.TLS.Certificates}}
	c := newClient(t, opts)
	resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Verified == "" || !shown["proxy"] || shown["database"] || len(shown) != 2 {
		t.Errorf("verified: %q; the certificate was shown: %v", resp.Verified, shown)
	}
}

// A bundle cannot bring a module in that has a source of its own, unless a go.sum
// lists it.
func TestImportTakesNoPrivateModules(t *testing.T) {
	o := newOrigin(t)
	bundle := t.TempDir()
	outside := newClient(t, proxyOptions(serve(t, o)))
	files := []upstream.Request{request(t, upstream.Mod, "example.com/hello", "v1.0.0"), request(t, upstream.Zip, "example.com/hello", "v1.0.0")}
	if err := outside.Export(t.Context(), bundle, files); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*fetch.Options){
		"private":   func(o *fetch.Options) { o.Private = []upstream.Route{{Patterns: "example.com", Upstream: &scripted{}}} },
		"claimed":   func(o *fetch.Options) { o.Claimed = "example.com" },
		"GONOPROXY": func(o *fetch.Options) { o.Go.GONOPROXY = "example.com" },
	} {
		opts := proxyOptions("off")
		opts.Store = cache.NewMemory(nil)
		change(&opts)
		n, err := newClient(t, opts).Import(t.Context(), bundle)
		if err == nil || n == 0 {
			t.Errorf("%s: imported %d files: %v", name, n, err)
		}
		for _, req := range files {
			if e, err := opts.Store.Get(t.Context(), req.Key()); err == nil {
				e.Body.Close()
				t.Errorf("%s: %v was taken", name, req)
			}
		}
		if err != nil && name == "private" && !strings.Contains(err.Error(), "Options.GoSum") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	}
}
