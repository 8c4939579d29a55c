package guard_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// Who shows no password is asked for one.
func ExampleBasic() {
	users := guard.Basic("modules", map[string]string{"ann": "ann's password"})
	r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)

	_, err := users(r)
	if who, ok := errors.AsType[*fetch.UnauthorizedError](err); ok {
		fmt.Println(who.Challenge)
	}
	r.SetBasicAuth("ann", "ann's password")
	fmt.Println(users(r))
	// Output:
	// Basic realm="modules"
	// ann <nil>
}

// A token for each program.
func ExampleBearer() {
	programs := guard.Bearer("modules", map[string]string{"build": "a long random token"})
	r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
	r.Header.Set("Authorization", "Bearer a long random token")
	fmt.Println(programs(r))
	fmt.Println(programs.Caller(r)) // for the audit log
	// Output:
	// build <nil>
	// build
}

// The common name of a certificate that the TLS handshake has verified.
func ExampleCertificate() {
	users := guard.Certificate(func(leaf *x509.Certificate) string { return leaf.Subject.CommonName })

	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "build.corp.example"}}
	r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
	r.TLS = &tls.ConnectionState{ // for you: what the server's handshake came to
		PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}},
	}
	fmt.Println(users(r))
	// Output: build.corp.example <nil>
}

// The office needs no password; from elsewhere everybody needs one.
func ExampleAnyOf() {
	users := guard.Basic("modules", map[string]string{"ann": "ann's password"})
	check := guard.AnyOf(guard.Networks(netip.MustParsePrefix("192.0.2.0/24")), users.Check)

	for _, from := range []string{"192.0.2.17:1000", "198.51.100.4:1000"} {
		r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
		r.RemoteAddr = from
		fmt.Println(check(r, upstream.Request{}) == nil)
		r.SetBasicAuth("ann", "ann's password")
		fmt.Println(check(r, upstream.Request{}) == nil)
	}
	// Output:
	// true
	// true
	// false
	// true
}

// Behind a reverse proxy, clients are told apart by what it says of them.
func ExampleCallerBy() {
	caller := guard.CallerBy(guard.ForwardedFor(netip.MustParsePrefix("10.0.0.2/32")))
	modules := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "v1.0.0") })
	limited := guard.Rate(modules, &guard.RateOptions{PerSecond: 1, Burst: 1, Wait: -1, Caller: caller})

	for _, client := range []string{"192.0.2.17", "192.0.2.17", "192.0.2.18"} {
		r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
		r.RemoteAddr = "10.0.0.2:34567"
		r.Header.Set("X-Forwarded-For", client)
		w := httptest.NewRecorder()
		limited.ServeHTTP(w, r)
		fmt.Println(client, w.Code)
	}
	// Output:
	// 192.0.2.17 200
	// 192.0.2.17 429
	// 192.0.2.18 200
}
