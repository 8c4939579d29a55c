package gocmd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// The hosts of the fixture. All of them are one server on loopback.
const (
	gitHost  = "git.corp.example"  // repositories; those below private/ want a password
	goHost   = "go.corp.example"   // go-import pages
	evilHost = "evil.corp.example" // go-import pages of a hostile kind
)

// A world is a git server on loopback, behind the names and the certificate
// of hosts that look public.
type world struct {
	server *httptest.Server
	plain  *httptest.Server // the same without TLS
	ca     string           // PEM file
	repos  string           // directory
	netrc  string

	mu    sync.Mutex
	pages map[string]http.HandlerFunc // by host/path: what is asked with ?go-get=1
	asked []string
	shown []string // those of asked that came with credentials
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the git server of the tests needs a POSIX shell")
	}
	w := &world{repos: t.TempDir(), pages: map[string]http.HandlerFunc{}}
	w.netrc = filepath.Join(t.TempDir(), "netrc")
	write(t, w.netrc, "machine "+gitHost+" login me password secret\n")
	cert, ca := certificate(t)
	w.ca = ca
	w.server = httptest.NewUnstartedServer(w)
	w.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	w.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.server.EnableHTTP2 = true // the plain one speaks HTTP/1.1
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	w.plain = httptest.NewServer(w)
	t.Cleanup(w.plain.Close)
	return w
}

// page has the go-import page of importPath hold a tag.
func (w *world) page(importPath, tag string) {
	w.handle(importPath, func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `<!DOCTYPE html><html><head><title>x</title><meta name="go-import" content=%q></head><body>hello`, tag)
	})
}

func (w *world) handle(importPath string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[importPath] = h
}

// requests returns what was asked for since the last call, as "GET host/path?query".
func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// credentials returns what was asked for with credentials since the last call.
func (w *world) credentials() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := w.shown
	w.shown = nil
	return shown
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	w.mu.Lock()
	w.asked = append(w.asked, r.Method+" "+host+r.URL.RequestURI())
	if r.Header.Get("Authorization") != "" {
		w.shown = append(w.shown, r.Method+" "+host+r.URL.RequestURI())
	}
	page := w.pages[strings.TrimSuffix(host+r.URL.Path, "/")]
	w.mu.Unlock()
	switch {
	case page != nil:
		page(rw, r)
	case host == gitHost && r.URL.Query().Get("go-get") == "":
		w.git(rw, r)
	default:
		http.NotFound(rw, r)
	}
}

func (w *world) git(rw http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); strings.HasPrefix(r.URL.Path, "/private/") && (user != "me" || password != "secret") {
		rw.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(rw, "who are you?", http.StatusUnauthorized)
		return
	}
	handler := &cgi.Handler{
		Path: "/bin/sh",
		Args: []string{"-c", "exec git http-backend"},
		Env: []string{
			"GIT_PROJECT_ROOT=" + w.repos, "GIT_HTTP_EXPORT_ALL=1", "PATH=" + os.Getenv("PATH"),
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
			"GIT_PROTOCOL=" + r.Header.Get("Git-Protocol"),
		},
		Stderr: io.Discard,
		Logger: log.New(io.Discard, "", 0),
	}
	handler.ServeHTTP(rw, r)
}

// Addresses of the fixture that look public, by host. Other names below
// corp.example have the first one.
var addresses = map[string]string{
	"":                      "93.184.215.14",
	"refuses.corp.example":  "93.184.215.15",
	"hangs.corp.example":    "93.184.215.16",
	"internal.corp.example": "10.0.0.1",
}

// resolve finds the hosts of the fixture.
func resolve(_ context.Context, host string) ([]netip.Addr, error) {
	addr := addresses[host]
	switch {
	case host == "servfail.corp.example":
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	case host == "gone.corp.example" || !strings.HasSuffix(host, ".corp.example"):
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	case addr == "":
		addr = addresses[""]
	}
	return []netip.Addr{netip.MustParseAddr(addr)}, nil
}

// dial connects to the fixture.
func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	server := w.server
	host, port, _ := net.SplitHostPort(address)
	if port == "80" {
		server = w.plain
	}
	switch host {
	case addresses["refuses.corp.example"]:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case addresses["hangs.corp.example"]:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	case addresses[""]:
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	return nil, fmt.Errorf("the test does not expect a connection to %s", address)
}

// options reach the world with the right password, for the modules that populate
// gives a private repository.
func (w *world) options(dir string) *gocmd.Options {
	return &gocmd.Options{
		Dir: dir, Netrc: w.netrc, Private: goHost + "/secret", GitConfig: os.DevNull, RootCAs: w.ca,
		Resolve: resolve, Dial: w.dial,
	}
}

// source makes a Source, and checks in the end that it leaves nothing behind.
func (w *world) source(t *testing.T, change func(*gocmd.Options)) *gocmd.Source {
	t.Helper()
	dir := t.TempDir()
	opts := w.options(dir)
	if change != nil {
		change(opts)
	}
	s, err := gocmd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s is left behind", left[0].Name())
		}
	})
	return s
}

// A commit is a state of a repository: files, and names for it.
type commit struct {
	files map[string]string
	tags  []string
	on    string // branch; empty: main
}

// repo makes a repository of commits, an hour apart.
func (w *world) repo(t *testing.T, name string, commits ...commit) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	git(t, "", 0, "init", "-q", "-b", "main", dir)
	for i, c := range commits {
		if c.on != "" {
			git(t, dir, i, "checkout", "-q", "-B", c.on)
		}
		for file, content := range c.files {
			write(t, filepath.Join(dir, file), content)
		}
		git(t, dir, i, "add", "-A")
		git(t, dir, i, "commit", "-q", "--allow-empty", "-m", fmt.Sprint("commit ", i))
		for _, tag := range c.tags {
			git(t, dir, i, "tag", tag)
		}
		if c.on != "" {
			git(t, dir, i, "checkout", "-q", "main")
		}
	}
	git(t, "", 0, "clone", "-q", "--bare", dir, filepath.Join(w.repos, name))
}

func git(t *testing.T, dir string, hour int, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	date := time.Date(2024, 5, 1, hour, 0, 0, 0, time.UTC).Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@corp.example", "GIT_AUTHOR_DATE="+date,
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@corp.example", "GIT_COMMITTER_DATE="+date)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// certificate makes an authority, and a certificate of it for all hosts of the
// fixture.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"*.corp.example", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func request(t *testing.T, k upstream.Kind, path, version string) upstream.Request {
	t.Helper()
	req, err := upstream.NewRequest(k, path, version)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
