package fetch_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// forwardProxy is one that lets in who has the password, or answers a status.
type forwardProxy struct {
	password string
	status   int
}

func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	outer := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	if _, password, _ := outer.BasicAuth(); password != p.password {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = copyAll(there, here)
		there.Close()
	}()
	_, _ = copyAll(here, there)
}

// It is said which proxy is used, whether it is what fails, and never its password.
func TestDiagnoseProxy(t *testing.T) {
	ours := newAuthority(t)
	https := serveTLS(t, newOrigin(t), &tls.Config{Certificates: []tls.Certificate{ours.sign(t, func(*x509.Certificate) {})}}).URL
	dead := httptest.NewServer(nil)
	dead.Close()
	const password = "hunter2-hunter2"
	serving := func(p *forwardProxy, user string) string {
		return strings.Replace(serve(t, p), "//", "//"+user, 1)
	}
	hangsUp := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	tests := []struct {
		name, proxy, source string
		want, text          string
	}{
		{"works", serving(&forwardProxy{password: password}, "user:"+password+"@"), https, "", ""},
		{"wants to know who asks", serving(&forwardProxy{password: password}, ""), https, "problem: proxy authentication", "wants to know who asks (status 407)"},
		{"wants to know who asks, plain", serving(&forwardProxy{password: password}, ""), "http://proxy.invalid", "problem: proxy authentication", "(status 407)"},
		{"wrong password", serving(&forwardProxy{password: password}, "user:wrong-wrong@"), https, "problem: proxy authentication", "refuses the name and password that its URL has (status 407)"},
		{"forbids", serving(&forwardProxy{status: 403}, ""), https, "problem: proxy", "it answers 403 Forbidden"},
		{"does not reach the host", serving(&forwardProxy{}, ""), "https://" + dead.Listener.Addr().String(), "problem: proxy", "it answers 502 Bad Gateway"},
		{"is dead", dead.URL, https, "problem: proxy", "is what fails: it refuses connections"},
		{"hangs up", hangsUp, https, "problem: proxy", "broke off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			proxy, err := url.Parse(test.proxy)
			if err != nil {
				t.Fatal(err)
			}
			opts := diagnoseOptions(test.source)
			opts.HTTP = &upstream.HTTPOptions{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: ours.pool()}}}
			d := diagnose(t, opts)
			wantFinding(t, d, test.want, test.text)
			data, _ := json.Marshal(d)
			s := d.Sources[0]
			if all := d.String() + string(data); strings.Contains(all, "hunter2") || strings.Contains(all, "wrong-wrong") {
				t.Errorf("the password is shown in %s", all)
			}
			if !strings.Contains(s.Proxy, proxy.Host) || test.want != "" && !strings.Contains(s.Findings[0].Text, proxy.Host) {
				t.Errorf("the proxy is said to be %q: %v", s.Proxy, d)
			}
		})
	}
}
