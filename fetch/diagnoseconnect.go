package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/breakwater-go/breakwater/upstream"
)

func (t *inquiry) byDNS(e *upstream.Error) (Finding, bool) {
	dns, ok := errors.AsType[*net.DNSError](e.Err)
	if !ok {
		return Finding{}, false
	}
	f := Finding{Problem: ProblemDNS, Text: reason(dns) + fmt.Sprintf(", so that %s cannot be asked", t.said.Source),
		Advice: "is this machine online, and its name server (resolv.conf, VPN) the one that knows this name?"}
	if dns.IsNotFound {
		f.Advice = "check the spelling in GOPROXY; if the name is known only in a VPN or an internal network, connect to that"
		if t.said.Database {
			f.Advice = "if this network knows no public names, use a module proxy that speaks for the database; if GOSUMDB names one of your own, check the spelling"
		}
	}
	return f, true
}

// reason says why a connection could not be made.
func reason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			return fmt.Sprintf("DNS knows no host %q", dns.Name)
		case dns.IsTimeout:
			return fmt.Sprintf("DNS gave no answer in time about %q", dns.Name)
		}
		return fmt.Sprintf("DNS failed to answer about %q", dns.Name)
	}
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to it through the network"
	case isBrokenOff(err):
		return "the connection broke off"
	case isNet && timeout.Timeout():
		return "it gave no answer in time"
	}
	return "no connection could be made"
}

func isBrokenOff(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (t *inquiry) byConnection(e *upstream.Error) (Finding, bool) {
	op, ok := errors.AsType[*net.OpError](e.Err)
	address := cmp.Or(t.lastHop().tried, t.host())
	switch {
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return Finding{Problem: ProblemRefused, Text: fmt.Sprintf("%s refuses connections: nothing listens on %s", t.where(), address),
			Advice: "check the port in GOPROXY, and whether the server runs"}, true
	case isBrokenOff(e.Err):
		f := Finding{Problem: ProblemReset, Text: t.where() + " broke the connection off before its answer was whole",
			Advice: "if it happens again, see the server's log; a firewall on the way does so, too"}
		if h := t.lastHop(); !h.tlsDone.IsZero() && h.first.IsZero() {
			f.Advice += ", and a server that wants a client certificate (HTTPOptions.TLS)" // in TLS 1.3 it may not get round to saying so
		}
		return f, true
	case ok && op.Op == "dial":
		return Finding{Problem: ProblemUnreachable, Text: fmt.Sprintf("no connection to %s (%s): %s", t.where(), address, reason(e.Err)),
			Advice: "is this machine in the right network or VPN? A host that only a forward proxy reaches needs HTTPS_PROXY"}, true
	}
	return Finding{}, false
}

// byTime is for bounds that were met, ours or the caller's.
func (t *inquiry) byTime(e *upstream.Error) (Finding, bool) {
	if e.Class != upstream.Timeout || e.Status != 0 {
		return Finding{}, false
	}
	f := Finding{Problem: ProblemNoAnswer, Text: t.where() + " gave no answer in time",
		Advice: "if it is asked directly where only a forward proxy may, set HTTPS_PROXY; else a firewall may drop the packets, or the server hang"}
	if h := t.lastHop(); !h.dns.IsZero() && h.dnsDone.IsZero() && h.got.IsZero() {
		f.Problem, f.Advice = ProblemDNS, "is this machine online, and its name server (resolv.conf, VPN) reached?"
	}
	if len(t.hops) > 0 {
		f.Text += ": it came to a stand " + t.lastHop().stuck()
	}
	if !t.lastHop().got.IsZero() {
		f.Advice = "the server is reached, but hangs or is overloaded: ask who runs it, and put another source behind | in GOPROXY"
	}
	return f, true
}
