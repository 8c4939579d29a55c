package upstream_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
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
