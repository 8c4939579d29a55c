package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

// A service is this one, running until the test ends. Ann may have private modules
// (example.com/hello), Bob may not; each one's token is "token-of-" and the name.
type service struct {
	url, cert string
	client    *http.Client
	public    *fixture.Source // GOPROXY; private modules have a source of their own
	record    *fixture.Output
}

func start(t *testing.T) *service {
	t.Helper()
	public, private := fixture.NewSource(t), fixture.NewSource(t)
	fixture.Settings(t, public.URL)
	cfg := good(t)
	cfg.from = private.URL
	client, server := newAuthority(t, cfg)
	s := &service{cert: cfg.cert, client: client, public: public, record: fixture.NewOutput()}
	program := fixture.Start(t, func(ctx context.Context, output io.Writer) error { return run(ctx, cfg, s.record, output) })
	t.Cleanup(server.Close) // before that, the client's connections
	s.url, _, _ = strings.Cut(program.Output.After(t, "serving "), ",")
	return s
}

// good returns a configuration of which the certificate's files are not there yet.
func good(t *testing.T) config {
	t.Helper()
	dir := t.TempDir()
	cfg := config{
		listen: "127.0.0.1:0", private: "example.com/hello", from: "https://modules.corp.example",
		users: filepath.Join(dir, "users.json"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"),
	}
	write(t, cfg.users, fmt.Sprintf(`{"ann": {"token": "%x", "private": true}, "bob": {"token": "%X"}}`,
		sha256.Sum256([]byte("token-of-ann")), sha256.Sum256([]byte("token-of-bob"))))
	return cfg
}

// newAuthority writes the certificate of a test server, which is good for
// 127.0.0.1, and returns the client that trusts it.
func newAuthority(t *testing.T, cfg config) (*http.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cfg.cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	write(t, cfg.key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return server.Client(), server
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get returns what user is answered; "" is somebody who does not say who he is.
func (s *service) get(t *testing.T, user, token, path string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, token)
	}
	resp, text := fixture.Do(t, s.client, req)
	return resp.StatusCode, text
}

func TestWhoMayHaveWhat(t *testing.T) {
	const page, open, private = "/me", "/goproxy/example.com/dep/@v/list", "/goproxy/example.com/hello/@v/list"
	s := start(t)
	for _, tt := range []struct {
		name, user, token, path string
		status                  int
		text                    string // in the answer
	}{
		{"Ann's page", "ann", "token-of-ann", page, 200, "You are ann."},
		{"Ann, an open module", "ann", "token-of-ann", open, 200, "v0.1.0"},
		{"Ann, a private module", "ann", "token-of-ann", private, 200, "v1.0.0"},
		{"Bob, an open module", "bob", "token-of-bob", open, 200, "v0.1.0"},
		{"Bob, a private module that is at hand", "bob", "token-of-bob", private, 403, "for users with that right"},
		{"Ann with Bob's token", "ann", "token-of-bob", private, 401, "no such user, or another token"},
		{"a stranger", "eve", "token-of-ann", open, 401, "no such user, or another token"},
		{"nobody, a page", "", "", page, 401, "say who you are"},
		{"nobody, an open module", "", "", open, 401, "say who you are"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, text := s.get(t, tt.user, tt.token, tt.path); status != tt.status || !strings.Contains(text, tt.text) {
				t.Errorf("status %d, want %d and %q:\n%s", status, tt.status, tt.text, text)
			}
		})
	}
}

// Nobody but their own source learns of private modules, not even whether there is
// a database of checksums that knows them.
func TestPrivateModulesHaveASourceOfTheirOwn(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/example.com/hello/@v/list", "/sumdb/sum.golang.org/lookup/example.com/hello@v1.0.0"} {
		s.get(t, "ann", "token-of-ann", "/goproxy"+path)
	}
	if asked := s.public.Asked(); len(asked) > 0 {
		t.Errorf("the public source was asked for %v", asked)
	}
}

// The go command gets in by a netrc file, and the record says who had what.
func TestGoCommand(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not for this system")
	}
	s := start(t)
	for user, want := range map[string]string{"ann": "", "bob": "403 Forbidden"} {
		netrc := filepath.Join(t.TempDir(), "netrc")
		write(t, netrc, fmt.Sprintf("machine %s login %s password token-of-%[2]s\n", strings.TrimPrefix(s.url, "https://"), user))
		goCommand := fixture.NewGoCommand(t, s.url+"/goproxy", "NETRC="+netrc, "SSL_CERT_FILE="+s.cert)
		_, stderr, err := goCommand.Try(t, "mod", "download", "example.com/hello@v1.1.0")
		if (err == nil) != (want == "") || !strings.Contains(stderr, want) {
			t.Errorf("%s: %v, want %q:\n%s", user, err, want, stderr)
		}
	}
	had := map[string]bool{}
	for record, err := range audit.Read(strings.NewReader(s.record.String())) {
		if err != nil {
			t.Fatal(err)
		}
		had[record.Caller+" "+record.Module+" "+record.Kind+" "+record.Decision] = true
	}
	want := map[string]bool{
		"ann example.com/hello mod allowed": true, "ann example.com/hello zip allowed": true,
		"bob example.com/hello info denied": true,
	}
	if diff := cmp.Diff(want, had); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	fixture.Settings(t, "off")
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience) // for what is no mistake to the program
	defer cancel()
	users := func(content string) func(*testing.T, *config) {
		return func(t *testing.T, cfg *config) { write(t, cfg.users, content) }
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(nil))
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *config)
		want   string
	}{
		{"no private modules", func(_ *testing.T, cfg *config) { cfg.private = "" }, "-private: "},
		{"no source of private modules", func(_ *testing.T, cfg *config) { cfg.from = "nonsense" }, "-from: "},
		{"no table", func(_ *testing.T, cfg *config) { cfg.users += ".absent" }, "-users: "},
		{"not a table", users("ann"), "-users: "},
		{"a token in place of its digest", users(`{"ann": {"token": "token-of-ann"}}`), `user "ann"`},
		{"no name", users(`{"": {"token": "` + digest + `"}}`), `user ""`},
		{"no certificate", func(_ *testing.T, cfg *config) { cfg.cert += ".absent" }, "-tls-cert and -tls-key: "},
		{"not an address", func(_ *testing.T, cfg *config) { cfg.listen = "localhost:nonsense" }, "nonsense"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good(t)
			newAuthority(t, cfg)
			tt.change(t, &cfg)
			if err := run(ctx, cfg, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
