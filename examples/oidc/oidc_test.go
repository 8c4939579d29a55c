package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// provider is an OpenID provider on the loopback interface: a discovery document
// and keys.
type provider struct {
	*httptest.Server
	key  crypto.Signer
	down atomic.Bool
	asks atomic.Int32 // for the keys
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{key: newKey(t)}
	documents := &oidctest.Server{
		PublicKeys: []oidctest.PublicKey{{PublicKey: p.key.Public(), KeyID: "one", Algorithm: oidc.ES256}},
		Algorithms: []string{oidc.ES256, "none", "HS256"},
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/.well-known/") {
			p.asks.Add(1)
		}
		documents.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	documents.SetIssuer(p.URL)
	return p
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// token is an ID token by which its subject is let in, but for what change says.
func (p *provider) token(change ...string) string { return p.signed(p.key, change...) }

func (p *provider) signed(key crypto.Signer, change ...string) string {
	claims := map[string]string{
		"iss": fmt.Sprintf("%q", p.URL), "aud": `"modules"`, "sub": `"ann"`,
		"exp": fmt.Sprint(time.Now().Add(time.Hour).Unix()),
	}
	for i := 0; i < len(change); i += 2 {
		claims[change[i]] = change[i+1]
	}
	var pairs []string
	for name, value := range claims {
		pairs = append(pairs, fmt.Sprintf("%q:%s", name, value))
	}
	return oidctest.SignIDToken(key, "one", oidc.ES256, "{"+strings.Join(pairs, ",")+"}")
}

// serve runs the example's server over https until the test ends.
func serve(t *testing.T, p *provider) *httptest.Server {
	t.Helper()
	fixture.Settings(t, fixture.NewSource(t).URL)
	client, err := fetch.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	who, err := newLogin(t.Context(), p.URL, "modules")
	if err != nil {
		t.Fatal(err)
	}
	config := newServer(client, who, "example.com/hello")
	server := httptest.NewUnstartedServer(config.Handler)
	server.Config = config
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// get asks for a module's list with a header and returns the status and text.
func get(t *testing.T, server *httptest.Server, module, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/"+module+"/@v/list", nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, text := fixture.Do(t, server.Client(), req)
	return resp.StatusCode, text
}

func TestTokens(t *testing.T) {
	p := newProvider(t)
	server := serve(t, p)
	hour := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	unsigned := "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."
	for _, tt := range []struct {
		name, authorization string
		want                int
	}{
		{"a good token", "Bearer " + p.token(), 200},
		{"for several services", "Bearer " + p.token("aud", `["other","modules"]`), 200},
		{"no token", "", 404},
		{"for another service", "Bearer " + p.token("aud", `"other"`), 401},
		{"by another provider", "Bearer " + p.token("iss", `"https://login.example"`), 401},
		{"expired", "Bearer " + p.token("exp", hour(-time.Hour)), 401},
		{"not valid yet", "Bearer " + p.token("nbf", hour(time.Hour)), 401},
		{"of nobody", "Bearer " + p.token("sub", `""`), 401},
		{"signed by another key", "Bearer " + p.signed(newKey(t)), 401},
		{"not signed", "Bearer " + unsigned, 401},
		{"cut short", "Bearer " + strings.TrimRight(p.token(), "abcdefgh") + "x", 401},
		{"not a token", "Bearer x", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, text := get(t, server, "example.com/hello", tt.authorization)
			if got != tt.want {
				t.Errorf("status %d, want %d: %s", got, tt.want, text)
			}
			if _, absent := get(t, server, "example.com/hello/absent", tt.authorization); tt.want != 200 && text != strings.Replace(absent, "/absent", "", 1) {
				t.Errorf("what is there and what is not differ:\n%s%s", text, absent)
			}
			if got, text := get(t, server, "example.com/dep", tt.authorization); got != 200 {
				t.Errorf("an open module: status %d: %s", got, text)
			}
		})
	}
}

func TestProviderIsDown(t *testing.T) {
	p := newProvider(t)
	server := serve(t, p)
	p.down.Store(true)
	if got, text := get(t, server, "example.com/hello", "Bearer "+p.token()); got != 502 || !strings.Contains(text, "the OpenID provider") {
		t.Errorf("status %d, want 502, for nobody knows whether the token is good: %s", got, text)
	}
	if got, _ := get(t, server, "example.com/hello", ""); got != 404 {
		t.Errorf("without a token: status %d", got)
	}
	p.down.Store(false)
	if got, text := get(t, server, "example.com/hello", "Bearer "+p.token()); got != 200 {
		t.Errorf("when it is back: status %d: %s", got, text)
	}
	p.down.Store(true) // the keys are known now
	if got, text := get(t, server, "example.com/hello", "Bearer "+p.token()); got != 200 || p.asks.Load() != 1 {
		t.Errorf("when it is down again: status %d, keys asked for %d times: %s", got, p.asks.Load(), text)
	}
}

func TestGoCommand(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not for this system")
	}
	p := newProvider(t)
	server := serve(t, p)
	dir := t.TempDir()
	certificate := filepath.Join(dir, "cert.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	write(t, certificate, string(pem.EncodeToMemory(block)), 0o600)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	header := filepath.Join(dir, "token.sh")
	write(t, header, "#!/bin/sh\nprintf '%s\\n\\nAuthorization: Bearer %s\\n\\n' "+server.URL+" "+p.token()+"\n", 0o700)
	netrc := filepath.Join(dir, "netrc")
	write(t, netrc, "machine "+u.Host+" login any password "+p.token()+"\n", 0o600)
	for _, tt := range []struct {
		name     string
		settings []string
		want     string // in what the go command says; "" for success
	}{
		{"GOAUTH", []string{"GOAUTH=" + header}, ""},
		{"netrc", []string{"NETRC=" + netrc}, ""},
		{"nothing", []string{"GOAUTH=off"}, "404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			goCommand := fixture.NewGoCommand(t, server.URL, append(tt.settings, "SSL_CERT_FILE="+certificate)...)
			_, stderr, err := goCommand.Try(t, "mod", "download", "example.com/hello@v1.1.0")
			if (err == nil) != (tt.want == "") || !strings.Contains(stderr, tt.want) {
				t.Errorf("%v, want %q:\n%s", err, tt.want, stderr)
			}
		})
	}
}

func write(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestMistakes(t *testing.T) {
	if _, err := newLogin(t.Context(), "http://127.0.0.1:1", "modules"); err == nil {
		t.Error("no provider is there")
	}
	for _, private := range []string{"", ",", "corp.example/[", "https://corp.example"} {
		if err := run(t.Context(), config{private: private}, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "-private: ") {
			t.Errorf("-private %q: %v", private, err)
		}
	}
}
