package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// explain finds out what a failure comes from. Errors are told by their types and
// by how far the request came, never by text.
func (t *inquiry) explain(e *upstream.Error) {
	if e.Class == upstream.NotFound {
		t.explainAbsence(e)
		return
	}
	for _, rule := range []func(*inquiry, *upstream.Error) (Finding, bool){
		(*inquiry).ownFault, (*inquiry).byProxy, (*inquiry).byDNS, (*inquiry).byCertificate, (*inquiry).byTLS,
		(*inquiry).byStatus, (*inquiry).byTime, (*inquiry).byConnection, (*inquiry).byRedirect, (*inquiry).byDirectory,
		(*inquiry).byCredentials,
	} {
		if f, ok := rule(t, e); ok {
			f.Err = e
			t.find(f)
			return
		}
	}
	t.find(Finding{Text: t.where() + " could not be asked: " + e.Reason(), Advice: "see what the error says", Err: e})
}

// last returns the exchange that matters, that is the last; zero if there was none.
func (t *inquiry) last() upstream.Exchange {
	if len(t.exchanges) == 0 {
		return upstream.Exchange{}
	}
	return t.exchanges[len(t.exchanges)-1]
}

func (t *inquiry) lastHop() hop {
	if len(t.hops) == 0 {
		return hop{}
	}
	return t.hops[len(t.hops)-1]
}

// host returns the host, with its port, that was asked last.
func (t *inquiry) host() string { return cmp.Or(hostOf(t.last().URL), t.said.Source) }

// where names what failed, and how it came to be asked.
func (t *inquiry) where() string {
	if t.isAway() {
		return fmt.Sprintf("%s, where %s redirects to,", t.host(), t.said.Source)
	}
	return t.host()
}

func (t *inquiry) isAway() bool {
	return len(t.exchanges) > 0 && hostOf(t.exchanges[0].URL) != hostOf(t.last().URL)
}

func hostOf(shown string) string {
	u, err := url.Parse(shown)
	if err != nil {
		return ""
	}
	return u.Host
}

func (t *inquiry) ownFault(e *upstream.Error) (Finding, bool) {
	switch {
	case e.Class == upstream.Overloaded:
		return Finding{Problem: ProblemLocal, Text: "this machine is at its end, so that nobody can be asked: " + e.Reason(),
			Advice: "raise the limit on open files (ulimit -n), or close what holds them"}, true
	case e.Class == upstream.Canceled:
		return Finding{Problem: ProblemLocal, Text: "the diagnosis was cut short before " + t.where() + " had answered", Advice: "give it more time"}, true
	}
	return Finding{}, false
}

func (t *inquiry) byRedirect(e *upstream.Error) (Finding, bool) {
	if to := t.last().Location; to != "" && e.Status == 0 {
		return Finding{Problem: ProblemRedirected, Text: fmt.Sprintf("%s redirects to %s, which is not followed: %s", t.host(), to, e.Reason()),
			Advice: "write the address of the module proxy itself in GOPROXY, with https"}, true
	}
	return Finding{}, false
}

func (t *inquiry) byDirectory(e *upstream.Error) (Finding, bool) {
	file, ok := errors.AsType[*fs.PathError](e.Err)
	if !ok && !strings.HasPrefix(t.said.Source, "file:") {
		return Finding{}, false
	}
	f := Finding{Problem: ProblemDirectory, Text: fmt.Sprintf("the directory of %s cannot be read", t.said.Source),
		Advice: "is it spelt as it should be, the disk mounted, and may this user read it?"}
	if ok {
		f.Text += ": " + printable(file.Err.Error())
	}
	return f, true
}

// byCredentials is for what failed before anything was sent.
func (t *inquiry) byCredentials(e *upstream.Error) (Finding, bool) {
	_, isHTTP := upstream.As[interface{ CloseIdleConnections() }](t.upstream)
	if !isHTTP || len(t.exchanges)+len(t.hops) > 0 {
		return Finding{}, false
	}
	return Finding{Problem: ProblemAuth, Text: fmt.Sprintf("nothing was sent to %s: %s", t.said.Source, e.Reason()),
		Advice: "see to the netrc file, or the command in GOAUTH"}, true
}
