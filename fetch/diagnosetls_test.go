package fetch_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	stdlog "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// pool is for those who trust it.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// sign returns a certificate for 127.0.0.1 and what change makes of it.
func (a *authority) sign(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "proxy"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(0, 2, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// serveTLS runs h on a loopback socket until the test ends.
func serveTLS(t *testing.T, h http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// Of a certificate that is refused, it is said whose it is, and what is wrong.
func TestDiagnoseCertificate(t *testing.T) {
	ours, unknown := newAuthority(t), newAuthority(t)
	tests := []struct {
		name   string
		by     *authority
		change func(*x509.Certificate)
		want   string
		texts  []string
	}{
		{"good", ours, func(*x509.Certificate) {}, "", nil},
		{"expired", ours, func(c *x509.Certificate) {
			c.NotAfter = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			c.NotBefore = c.NotAfter.AddDate(-1, 0, 0)
		},
			"problem: certificate expired", []string{"CN=proxy", "issued by CN=Test Authority", "expired on 2026-01-02 03:04 UTC"}},
		{"not yet valid", ours, func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(0, 1, 0) },
			"problem: certificate expired", []string{"is not valid before " + time.Now().AddDate(0, 1, 0).UTC().Format("2006-01-02")}},
		{"soon to expire", ours, func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, 0, 3) },
			"warning: certificate expired", []string{"expires on"}},
		{"for another name", ours, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"proxy.example", "proxy2.example"}
		},
			"problem: wrong host", []string{"for proxy.example proxy2.example", "is not for the name 127.0.0.1"}},
		{"of an unknown authority", unknown, func(*x509.Certificate) {}, "problem: unknown authority", []string{"CN=proxy", "vouched for by nobody"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := serveTLS(t, newOrigin(t), &tls.Config{Certificates: []tls.Certificate{test.by.sign(t, test.change)}})
			opts := diagnoseOptions(server.URL)
			opts.HTTP = &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: ours.pool()}}
			d := diagnose(t, opts)
			wantFinding(t, d, test.want, "")
			s := d.Sources[0]
			for _, text := range append(test.texts, "127.0.0.1") {
				if test.want != "" && !strings.Contains(s.Findings[0].Text, text) {
					t.Errorf("%q is not in %q", text, s.Findings[0].Text)
				}
			}
			if s.Certificate == nil || s.Certificate.Subject != "CN=proxy" {
				t.Errorf("the certificate is said to be %+v", s.Certificate)
			}
			if s.OK && s.Steps.TLS == 0 {
				t.Error("no time for TLS")
			}
		})
	}
}

// What is no certificate's fault is told from it.
func TestDiagnoseTLS(t *testing.T) {
	hello := func(answer string) string { // a server that answers any greeting so
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
				c.Close()
			}
		}()
		return "https://" + l.Addr().String()
	}
	ours := newAuthority(t)
	cert := ours.sign(t, func(*x509.Certificate) {})
	tests := []struct{ name, url, want string }{
		{"plain http", "https" + serve(t, newOrigin(t))[len("http"):], "problem: plain http"},
		{"no TLS at all", hello("220 ESMTP ready, and so on\r\n"), "problem: TLS"},
		{"hangs up", hello(""), "problem: TLS"},
		{"asks for a client certificate", serveTLS(t, newOrigin(t), &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}).URL, "problem: TLS"},
		{"too old", serveTLS(t, newOrigin(t), &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).URL, "problem: TLS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := diagnoseOptions(test.url)
			opts.HTTP = &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: ours.pool()}}
			wantFinding(t, diagnose(t, opts), test.want, "127.0.0.1")
		})
	}
}

// Who asks a TLS port without TLS is told of https.
func TestDiagnosePlainToTLS(t *testing.T) {
	server := serveTLS(t, newOrigin(t), nil)
	d := diagnose(t, diagnoseOptions("http://"+server.Listener.Addr().String()))
	wantFinding(t, d, "problem: server error", "status 400")
	if advice := d.Sources[0].Findings[0].Advice; !strings.Contains(advice, "https://") {
		t.Errorf("the advice is %q", advice)
	}
}
