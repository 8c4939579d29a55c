package fetch

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// explainAbsence accepts that a source does not have the module, unless it looks as
// if it had none.
func (t *inquiry) explainAbsence(e *upstream.Error) {
	if isPage(t.last().ContentType) {
		t.find(Finding{Problem: ProblemWrongContent, Severity: SeverityWarning, Err: e,
			Text:   fmt.Sprintf("%s answers %d with a web page, so that it may be no module proxy", t.where(), e.Status),
			Advice: "check the path of the URL in GOPROXY: repository managers have one for each repository"})
		return
	}
	if t.said.Asked == breaker.DefaultProbeModule {
		t.find(Finding{Problem: ProblemWrongContent, Severity: SeverityWarning, Err: e,
			Text:   fmt.Sprintf("%s does not have %s, which public module proxies have (status %d)", t.where(), t.said.Asked, e.Status),
			Advice: "check the path of the URL in GOPROXY; a source that has other modules alone is better named in a route of its own"})
		return
	}
	t.said.Note = "it does not have " + t.said.Asked + ", which is a good answer"
}

func isPage(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return media == "text/html" || media == "application/xhtml+xml"
}

// byStatus is for what the server said by a status.
func (t *inquiry) byStatus(e *upstream.Error) (Finding, bool) {
	switch code := e.Status; {
	case code == 0:
		return Finding{}, false
	case code == http.StatusProxyAuthRequired:
		return t.proxyAuth(t.last().Proxy), true
	case e.Class == upstream.Denied && code != http.StatusUnavailableForLegalReasons:
		return t.denied(e), true
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && e.RetryAfter > 0:
		f := Finding{Problem: ProblemRateLimited, Text: fmt.Sprintf("%s asks to be left alone for now (status %d)%s", t.where(), code, said(e)),
			Advice: "ask less, or who runs it for a higher limit"}
		if e.RetryAfter > 0 {
			f.Text = fmt.Sprintf("%s asks to be left alone for %v (status %d)%s", t.where(), e.RetryAfter.Round(time.Second), code, said(e))
			f.Advice = "wait as long; if it happens often, ask who runs it for a higher limit"
		}
		return f, true
	case code >= 500:
		f := Finding{Problem: ProblemServerError, Text: fmt.Sprintf("%s fails with status %d%s", t.where(), code, said(e)),
			Advice: "the server's log says why: ask who runs it"}
		if proxy := t.last().Proxy; proxy != "" && strings.HasPrefix(t.last().URL, "http:") {
			f.Text = fmt.Sprintf("%s, or the proxy %s on the way, fails with status %d%s", t.where(), proxy, code, said(e))
		}
		return f, true
	default:
		f := Finding{Problem: ProblemServerError, Text: fmt.Sprintf("%s answers status %d to a request of the module proxy protocol%s", t.where(), code, said(e)),
			Advice: "check the URL in GOPROXY: is there a module proxy at it?"}
		if code == http.StatusBadRequest && strings.HasPrefix(t.last().URL, "http:") { // as servers answer on a port that is for TLS
			f.Advice = "write https:// in GOPROXY if the port speaks TLS; if not, check the URL: is there a module proxy at it?"
		}
		return f, true
	}
}

// denied is for 401 and 403.
func (t *inquiry) denied(e *upstream.Error) Finding {
	last, host := t.last(), t.host()
	f := Finding{Problem: ProblemAuth}
	if e.Status == http.StatusForbidden && t.madeUp {
		f.Severity = SeverityWarning // it may be so for what does not exist
	}
	plain := strings.HasPrefix(last.URL, "http:") && !isLoopbackHost(host)
	switch {
	case last.Credentials:
		f.Text = fmt.Sprintf("%s refuses the credentials that were sent (status %d)%s", t.where(), e.Status, said(e))
		f.Advice = fmt.Sprintf("renew those for %s, or check what they permit: they are in the URL, the netrc file, or come from GOAUTH", host)
	case t.isAway():
		f.Text = fmt.Sprintf("%s wants credentials (status %d), which are not sent to where a redirect leads%s", t.where(), e.Status, said(e))
		f.Advice = "if it is a login page, the source wants credentials: give them for " + hostOf(t.exchanges[0].URL)
	case plain:
		f.Text = fmt.Sprintf("%s wants credentials (status %d), and none are sent without encryption%s", t.where(), e.Status, said(e))
		f.Advice = "use https in GOPROXY"
	default:
		f.Text = fmt.Sprintf("%s wants credentials (status %d), and none were found for it%s", t.where(), e.Status, said(e))
		f.Advice = t.giveCredentials(host)
	}
	return f
}

func (t *inquiry) giveCredentials(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	advice := fmt.Sprintf("give some: a line \"machine %s login NAME password TOKEN\" in the netrc file, a command in GOAUTH, or HTTPOptions.Credentials", host)
	switch s := t.diagnoser.core.plan.settings; {
	case s.GOAUTH == "off":
		return advice + "; GOAUTH is \"off\" now, so that the netrc file is not read"
	case name != host:
		return advice + "; the port belongs to the machine's name"
	}
	return advice
}

func isLoopbackHost(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// said repeats a server's own explanation.
func said(e *upstream.Error) string {
	if e.Text == "" {
		return ""
	}
	return ": it says " + printable(e.Text)
}

// printable makes what a stranger sent fit for a sentence.
func printable(s string) string {
	const most = 300
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
