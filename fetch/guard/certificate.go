package guard

import (
	"crypto/x509"
	"errors"
	"net/http"
)

var errNoCertificate = errors.New("show a client certificate that this proxy knows")

// Certificate returns an Authenticator for clients with a certificate that the
// TLS handshake has verified: the server's [crypto/tls.Config] has ClientCAs, and
// ClientAuth set to VerifyClientCertIfGiven or RequireAndVerifyClientCert. name
// returns the caller's name, or "" to refuse him; nil stands for the certificate's
// whole subject. Behind a proxy that ends TLS there is nothing to see here.
func Certificate(name func(leaf *x509.Certificate) string) Authenticator {
	if name == nil {
		name = func(leaf *x509.Certificate) string { return leaf.Subject.String() }
	}
	return func(r *http.Request) (string, error) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return "", errNoCertificate
		}
		// The first chain, as each begins with the leaf.
		if who := name(r.TLS.VerifiedChains[0][0]); who != "" {
			return who, nil
		}
		return "", errNoCertificate
	}
}
