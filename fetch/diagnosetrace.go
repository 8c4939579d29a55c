package fetch

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A lookout sees the requests of one call to a source: what was sent where, and
// when each step began and ended. Its hooks run in goroutines that may outlive the
// request.
type lookout struct {
	mu        sync.Mutex
	exchanges []upstream.Exchange
	hops      []hop
}

// A hop is a connection that was made for a request, or was to be made.
type hop struct {
	began, dns, dnsDone, dialed, tls, tlsDone, got, sent, first time.Time

	resolving string // host name
	tried     string // address that is being connected to
	address   string // that was connected to
}

// on returns a context whose requests are seen. stop ends that, and closes the
// connections.
func (l *lookout) on(ctx context.Context) (watched context.Context, stop func()) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:  func(string) { l.add(hop{began: time.Now()}) },
		DNSStart: func(i httptrace.DNSStartInfo) { l.note(func(h *hop) { h.dns, h.resolving = time.Now(), i.Host }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				l.note(func(h *hop) { h.dnsDone = time.Now() })
			}
		},
		ConnectStart: func(_, address string) { l.note(func(h *hop) { h.tried = address }) },
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				l.note(func(h *hop) { h.dialed, h.address = time.Now(), address })
			}
		},
		TLSHandshakeStart: func() { l.note(func(h *hop) { h.tls = time.Now() }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				l.note(func(h *hop) { h.tlsDone = time.Now() })
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			l.note(func(h *hop) { h.got, h.address = time.Now(), i.Conn.RemoteAddr().String() })
		},
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				l.note(func(h *hop) { h.sent = time.Now() })
			}
		},
		GotFirstResponseByte: func() { l.note(func(h *hop) { h.first = time.Now() }) },
	})
	return upstream.WithExchanges(ctx, func(e upstream.Exchange) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.exchanges = append(l.exchanges, e)
	})
}

func (l *lookout) add(h hop) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hops = append(l.hops, h)
}

func (l *lookout) note(what func(*hop)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.hops); n > 0 {
		what(&l.hops[n-1])
	}
}

// seen returns what was seen so far.
func (l *lookout) seen() ([]upstream.Exchange, []hop) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.exchanges), slices.Clone(l.hops)
}

// steps returns how long each step took that came to its end.
func (h hop) steps() Steps {
	connected := h.dialed
	if connected.IsZero() { // a dialer that tells nothing
		connected = earlier(h.tls, h.got)
	}
	return Steps{
		DNS:       between(h.dns, h.dnsDone),
		Connect:   between(latest2(h.began, h.dnsDone), connected),
		TLS:       between(h.tls, h.tlsDone),
		FirstByte: between(h.sent, h.first),
	}
}

func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return max(0, to.Sub(from))
}

func latest2(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier returns the earlier of two times; one that is zero does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// stuck says in which step it came to a stand.
func (h hop) stuck() string {
	switch {
	case !h.first.IsZero():
		return "while the answer's body was on its way"
	case !h.got.IsZero():
		return "between the request and the answer's first byte"
	case !h.tls.IsZero() && h.tlsDone.IsZero():
		return "in the TLS handshake"
	case !h.dns.IsZero() && h.dnsDone.IsZero():
		return "while the address of " + h.resolving + " was looked up"
	case h.dialed.IsZero() && h.tried != "":
		return "while connecting to " + h.tried
	case !h.dialed.IsZero():
		return "while " + h.address + " was asked to connect further"
	}
	return "before a connection was made"
}
