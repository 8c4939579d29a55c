package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	stdlog "log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// privateServer answers over TLS with a certificate that no system knows.
func privateServer(t *testing.T) (url string, roots *x509.CertPool) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		io.WriteString(w, r.Proto+" "+user+":"+password)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0) // a refused handshake is expected
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

func TestHTTPPrivateCA(t *testing.T) {
	url, roots := privateServer(t)
	config := &tls.Config{RootCAs: roots}
	u := newHTTP(t, "https://user:pw@"+url[len("https://"):], &upstream.HTTPOptions{TLS: config})
	config.RootCAs = x509.NewCertPool() // the source has a copy
	data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@latest"))
	if want := "HTTP/2.0 user:pw"; err != nil || string(data) != want {
		t.Errorf("body %q, error %v; want %q", data, err, want)
	}
}

func TestHTTPUnknownCA(t *testing.T) {
	url, _ := privateServer(t)
	_, err := newHTTP(t, url, &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: x509.NewCertPool()}}).
		Fetch(t.Context(), request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("the cause is not to be found behind %v", err)
	}
}

func TestHTTPPlainServerBehindHTTPS(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := newHTTP(t, "https"+server.URL[len("http"):], nil).Fetch(t.Context(), request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable)
}

// clientCertificate returns a certificate that signs itself, and adds it to pool.
func clientCertificate(t *testing.T, name string, pool *x509.CertPool) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// askingServer asks for a client's certificate as mode says, writes down whose it
// was shown, and sends everybody on if it is told where to.
func askingServer(t *testing.T, name string, mode tls.ClientAuthType, clients *x509.CertPool, l *log, to string) (*httptest.Server, *x509.CertPool) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if certs := r.TLS.PeerCertificates; len(certs) > 0 {
			who = certs[0].Subject.CommonName
		}
		l.add(name + " was asked by " + who)
		if to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.TLS = &tls.Config{ClientAuth: mode, ClientCAs: clients}
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

func TestHTTPClientCertificate(t *testing.T) {
	clients := x509.NewCertPool()
	alice, bob := clientCertificate(t, "alice", clients), clientCertificate(t, "bob", clients)
	mallory := clientCertificate(t, "mallory", x509.NewCertPool())
	giving := func(c tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
	}
	tests := []struct {
		name   string
		config *tls.Config
		want   []string // empty: the server lets nobody in
	}{
		{"certificate", &tls.Config{Certificates: []tls.Certificate{alice}}, []string{"proxy was asked by alice"}},
		{"function", &tls.Config{GetClientCertificate: giving(bob)}, []string{"proxy was asked by bob"}},
		{"none", &tls.Config{}, nil},
		{"of somebody else", &tls.Config{GetClientCertificate: giving(mallory)}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &log{}
			server, roots := askingServer(t, "proxy", tls.RequireAndVerifyClientCert, clients, l, "")
			test.config.RootCAs = roots
			u := newHTTP(t, server.URL, &upstream.HTTPOptions{TLS: test.config})
			_, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@v/list"))
			if (err == nil) != (len(test.want) > 0) {
				t.Errorf("error: %v", err)
			}
			if err != nil {
				wantError(t, err, upstream.Unavailable)
			}
			if diff := cmp.Diff(test.want, l.lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// A certificate tells who we are. A server that we are only sent to is not told,
// though it is trusted as the first.
func TestHTTPClientCertificateIsNotRedirected(t *testing.T) {
	clients := x509.NewCertPool()
	alice := clientCertificate(t, "alice", clients)
	l := &log{}
	storage, roots := askingServer(t, "storage", tls.RequestClientCert, clients, l, "")
	proxy, _ := askingServer(t, "proxy", tls.RequireAndVerifyClientCert, clients, l, storage.URL+"/x")
	roots.AddCert(proxy.Certificate())
	for _, config := range []*tls.Config{
		{RootCAs: roots, Certificates: []tls.Certificate{alice}},
		{RootCAs: roots, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &alice, nil }},
	} {
		l.lines = nil
		u := newHTTP(t, proxy.URL, &upstream.HTTPOptions{TLS: config})
		if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@v/list")); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"proxy was asked by alice", "storage was asked by nobody"}, l.lines); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		u.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	}
}
