package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

func portOf(listener net.Listener) int {
	return listener.Addr().(*net.TCPAddr).Port
}

// baseURL returns the URL by which clients reach the address that was asked for, with
// the port that it got: by the first of names, if there are any and it is not this
// machine's alone, and else from this machine. cert is nil without TLS.
func baseURL(address string, port int, names []string, cert *keyPair) string {
	host, _, _ := net.SplitHostPort(address) // checked with the flags
	switch {
	case len(names) > 0 && !isLoopback(host):
		host = names[0]
	case isUnspecified(host):
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

// isUnspecified reports whether a host means all addresses of this machine.
func isUnspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
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
func (c config) announce(v voice, base string, cert *keyPair) {
	v.say("serving %s", base)
	if v.log == nil {
		fmt.Fprintf(v.w, "export GOPROXY=%s\n", base) // for a shell
	}
	if host, _, _ := net.SplitHostPort(c.listen); isUnspecified(host) && len(c.hosts) == 0 {
		v.say("others reach it by the names of this machine: -hosts NAME announces one, and refuses all that are not named")
	}
	if cert != nil {
		file := cert.certFile
		if abs, err := filepath.Abs(file); err == nil {
			file = abs // the line is for a shell that may be elsewhere
		}
		v.say("where the certificate is not trusted: export SSL_CERT_FILE=%s", file)
	}
}
