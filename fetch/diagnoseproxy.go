package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// byProxy is for failures of a forward proxy on the way.
func (t *inquiry) byProxy(e *upstream.Error) (Finding, bool) {
	proxy := t.last().Proxy
	if refusal, ok := errors.AsType[*upstream.ProxyError](e.Err); ok {
		if refusal.Status == http.StatusProxyAuthRequired {
			return t.proxyAuth(refusal.Proxy), true
		}
		return Finding{Problem: ProblemProxy, Text: fmt.Sprintf("the proxy %s does not connect to %s: it answers %d %s", refusal.Proxy, t.host(), refusal.Status, http.StatusText(refusal.Status)),
			Advice: "have its operator permit the host, or " + goAround(proxy, t.host())}, true
	}
	if op, ok := errors.AsType[*net.OpError](e.Err); ok && op.Op == "proxyconnect" {
		return Finding{Problem: ProblemProxy, Text: fmt.Sprintf("the proxy %s, through which %s is asked, is what fails: %s", proxy, t.host(), reason(op.Err)),
			Advice: "correct or start it, or " + goAround(proxy, t.host())}, true
	}
	h := t.lastHop()
	if proxy != "" && strings.HasPrefix(t.last().URL, "https:") && !h.dialed.IsZero() && h.tls.IsZero() && e.Class != upstream.Timeout {
		return Finding{Problem: ProblemProxy, Text: fmt.Sprintf("the proxy %s broke off when it was asked to connect to %s", proxy, t.host()),
			Advice: "is it a forward proxy? Correct it, or " + goAround(proxy, t.host())}, true
	}
	return Finding{}, false
}

func (t *inquiry) proxyAuth(proxy string) Finding {
	if proxy == "" {
		proxy = "on the way"
	}
	if strings.Contains(proxy, "@") {
		return Finding{Problem: ProblemProxyAuth, Text: fmt.Sprintf("the proxy %s refuses the name and password that its URL has (status 407)", proxy),
			Advice: "correct them, or ask its operator whether they have expired, or " + goAround(proxy, t.host())}
	}
	return Finding{Problem: ProblemProxyAuth, Text: fmt.Sprintf("the proxy %s wants to know who asks (status 407)", proxy),
		Advice: "put name and password into the proxy's URL, as http://NAME:PASSWORD@host:port, or " + goAround(proxy, t.host())}
}

// goAround says how a host is reached without a proxy.
func goAround(proxy, host string) string {
	name := (&url.URL{Host: host}).Hostname()
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := os.Getenv(variable)
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		if u, err := url.Parse(value); err == nil && u.Host != "" && u.Host == hostOf(proxy) {
			return fmt.Sprintf("take it out of %s, or put %s into NO_PROXY", variable, name)
		}
	}
	return fmt.Sprintf("put %s into NO_PROXY (the proxy is from the Proxy of a Transport, or HTTPS_PROXY)", name)
}
