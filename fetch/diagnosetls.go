package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// byTLS is for connections that are not encrypted in the end, other than for the
// certificate.
func (t *inquiry) byTLS(e *upstream.Error) (Finding, bool) {
	record, isRecord := errors.AsType[tls.RecordHeaderError](e.Err)
	if errors.Is(e.Err, http.ErrSchemeMismatch) || isRecord && string(record.RecordHeader[:]) == "HTTP/" {
		return Finding{Problem: ProblemPlainHTTP, Text: fmt.Sprintf("%s speaks plain http where https was asked for", t.where()),
			Advice: "use the port that speaks TLS; only if nobody can listen on the way, write http:// in GOPROXY"}, true
	}
	h := t.lastHop()
	op, isOp := errors.AsType[*net.OpError](e.Err)
	told := isOp && op.Op == "remote error" // an alert of the server's (crypto/tls)
	if isRecord || told || !h.tls.IsZero() && h.tlsDone.IsZero() && e.Status == 0 && e.Class != upstream.Timeout {
		f := Finding{Problem: ProblemTLS, Text: t.where() + " and this program could not agree on an encrypted connection",
			Advice: "is it a TLS port? It may ask for a client certificate (HTTPOptions.TLS), or be too old for TLS 1.2"}
		if isBrokenOff(e.Err) {
			f.Text = t.where() + " ended the connection in the TLS handshake"
			f.Advice = "a firewall or proxy on the way may not like the host's name; else ask who runs the server"
		}
		return f, true
	}
	return Finding{}, false
}

// soon is how long before its end a certificate is worth a warning: who renews by
// themselves does so earlier (most authorities advise 30 days before).
const soon = 14 * 24 * time.Hour

// byCertificate is for certificates that are refused.
func (t *inquiry) byCertificate(e *upstream.Error) (Finding, bool) {
	refused, ok := errors.AsType[*tls.CertificateVerificationError](e.Err)
	if !ok {
		return Finding{}, false
	}
	var cert *x509.Certificate
	if len(refused.UnverifiedCertificates) > 0 {
		cert = refused.UnverifiedCertificates[0]
		t.said.Certificate = shownCertificate(cert)
	}
	var f Finding
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](refused.Err); ok {
		f = t.invalid(invalid)
	} else if _, ok := errors.AsType[x509.HostnameError](refused.Err); ok {
		f = Finding{Problem: ProblemWrongHost,
			Text:   fmt.Sprintf("%s is not for the name %s, by which it is asked", t.nameOf(cert), (&url.URL{Host: t.host()}).Hostname()),
			Advice: "write a name that the certificate is for in GOPROXY, or have its owner add this one; it may also be another server, or somebody in between"}
	} else if _, ok := errors.AsType[x509.UnknownAuthorityError](refused.Err); ok {
		f = Finding{Problem: ProblemUnknownCA,
			Text:   t.nameOf(cert) + " is vouched for by nobody whom this machine trusts",
			Advice: "if it is an authority of your own (a TLS-inspecting proxy has one, too), add it to the system's roots, SSL_CERT_FILE or HTTPOptions.TLS; if not, somebody may be in between, or the server does not send its intermediate certificate"}
	} else if _, ok := errors.AsType[x509.SystemRootsError](refused.Err); ok {
		f = Finding{Problem: ProblemUnknownCA, Text: "the certificate authorities that this machine trusts cannot be read, so that it trusts nobody",
			Advice: "install them (in containers: the package ca-certificates), or name them in SSL_CERT_FILE"}
	} else {
		f = Finding{Problem: ProblemTLS, Text: t.nameOf(cert) + " is refused: " + printable(refused.Err.Error()), Advice: "ask its owner"}
	}
	return f, true
}

func (t *inquiry) invalid(invalid x509.CertificateInvalidError) Finding {
	now, cert := time.Now(), invalid.Cert
	if invalid.Reason != x509.Expired || cert == nil {
		return Finding{Problem: ProblemTLS, Text: t.nameOf(cert) + " is refused: " + printable(invalid.Error()), Advice: "have its owner replace it"}
	}
	if now.Before(cert.NotBefore) {
		return Finding{Problem: ProblemExpired,
			Text:   fmt.Sprintf("%s is not valid before %s, and this machine's clock says %s", t.nameOf(cert), date(cert.NotBefore), date(now)),
			Advice: "set this machine's clock, if it is wrong; else its owner has to wait, or to replace it"}
	}
	return Finding{Problem: ProblemExpired,
		Text:   fmt.Sprintf("%s expired on %s; this machine's clock says %s", t.nameOf(cert), date(cert.NotAfter), date(now)),
		Advice: fmt.Sprintf("set this machine's clock, if it is wrong; else have its owner renew it, and until then take %s out of GOPROXY", t.said.Source)}
}

// findExpiry warns of what will be wrong soon.
func (t *inquiry) findExpiry() {
	for _, e := range t.exchanges {
		if e.TLS == nil || len(e.TLS.PeerCertificates) == 0 {
			continue
		}
		cert := e.TLS.PeerCertificates[0]
		if left := time.Until(cert.NotAfter); left > 0 && left < soon {
			t.find(Finding{Problem: ProblemExpired, Severity: SeverityWarning,
				Text:   fmt.Sprintf("the certificate of %s (%s) expires on %s", hostOf(e.URL), describe(cert), date(cert.NotAfter)),
				Advice: "have its owner renew it before"})
			return
		}
	}
}

func (t *inquiry) nameOf(cert *x509.Certificate) string {
	return fmt.Sprintf("the certificate of %s (%s)", t.host(), describe(cert))
}

func date(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// describe says whose a certificate is, in one line of bounded length.
func describe(cert *x509.Certificate) string {
	if cert == nil {
		return "none was shown"
	}
	c := shownCertificate(cert)
	text := c.Subject
	if len(c.Names) > 0 {
		names := c.Names
		if len(names) > 4 {
			names = append(names[:4:4], fmt.Sprintf("%d more", len(c.Names)-4))
		}
		text += ", for " + strings.Join(names, " ")
	}
	return text + ", issued by " + c.Issuer
}

func shownCertificate(cert *x509.Certificate) *Certificate {
	c := &Certificate{Subject: printable(cert.Subject.String()), Issuer: printable(cert.Issuer.String()), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}
	for _, name := range cert.DNSNames {
		c.Names = append(c.Names, printable(name))
	}
	for _, ip := range cert.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	if c.Subject == "" {
		c.Subject = "no subject"
	}
	return c
}
