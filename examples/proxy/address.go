package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

func portOf(listener net.Listener) int {
	return listener.Addr().(*net.TCPAddr).Port
}

// baseURL returns the URL by which this machine reaches the address that was
// asked for, with the port that it got. cert is nil without TLS.
func baseURL(address string, port int, cert *keyPair) string {
	host, _, _ := net.SplitHostPort(address) // checked with the flags
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	u := url.URL{Scheme: "http"}
	if cert != nil {
		u.Scheme = "https"
		host = certifiedHost(host, cert.leaf())
	}
	u.Host = net.JoinHostPort(host, strconv.Itoa(port))
	return u.String()
}

// certifiedHost returns host if the certificate is good for it, and else a name
// that it is good for: with any other, the go command would refuse.
func certifiedHost(host string, leaf *x509.Certificate) string {
	if leaf.VerifyHostname(host) == nil {
		return host
	}
	for _, name := range leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	return host
}

// announce says that the proxy is ready and how to use it.
func announce(stderr io.Writer, base string, cert *keyPair) {
	fmt.Fprintf(stderr, "breakwater: serving %s\n", base)
	fmt.Fprintf(stderr, "export GOPROXY=%s\n", base)
	if cert != nil {
		file := cert.certFile
		if abs, err := filepath.Abs(file); err == nil {
			file = abs // the line is for a shell that may be elsewhere
		}
		fmt.Fprintf(stderr, "breakwater: where the certificate is not trusted: export SSL_CERT_FILE=%s\n", file)
	}
}
