package upstream

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	// openAgain is how long a source is not asked before its connection may be gone.
	// Servers keep idle ones longer; where it is still there, to lead costs nothing.
	openAgain = 15 * time.Second

	// openWait bounds the wait for a connection that another request opens. One
	// that takes longer may never come, and then everybody tries for themselves.
	openWait = time.Second
)

// An opener has one request open the connection that over HTTP/2 serves all. By
// itself, [http.Transport] opens one for each request that finds none, shakes
// hands on every one of them, and then closes all but the first.
type opener struct {
	mu     sync.Mutex
	asked  time.Time     // when a request came last
	opened chan struct{} // closed when the leading request has its connection, or has failed
	each   bool          // the server wants a connection for each request: there is nothing to wait for
}

// roundTrip makes a request with t when there is a connection for it, or it is to
// open one. Without a handshake, HTTP/2 is not agreed on; and who watches exchanges,
// with what is no [http.Transport], wants new connections.
func (o *opener) roundTrip(t http.RoundTripper, r *http.Request) (*http.Response, error) {
	if _, ok := t.(*http.Transport); !ok || r.URL.Scheme != "https" {
		return t.RoundTrip(r)
	}
	opened, leads := o.ask()
	if leads {
		return o.lead(t, r, opened)
	}
	awaitOpen(r.Context(), opened)
	return t.RoundTrip(r)
}

// ask returns what to wait for, or that the caller is who the others wait for.
func (o *opener) ask() (opened chan struct{}, leads bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	leads = !o.each && now.Sub(o.asked) > openAgain
	o.asked = now
	if leads {
		o.opened = make(chan struct{})
	}
	return o.opened, leads
}

// lead lets the others go on as soon as the request has a connection, long before
// there is an answer. They go on as well if there is none.
func (o *opener) lead(t http.RoundTripper, r *http.Request, opened chan struct{}) (*http.Response, error) {
	open := sync.OnceFunc(func() { close(opened) })
	defer open()
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if conn, ok := got.Conn.(*tls.Conn); ok && conn.ConnectionState().NegotiatedProtocol != "h2" {
			o.mu.Lock()
			o.each = true
			o.mu.Unlock()
		}
		open()
	}})
	return t.RoundTrip(r.WithContext(ctx))
}

// awaitOpen returns no error: what ends ctx ends the request that follows.
func awaitOpen(ctx context.Context, opened <-chan struct{}) {
	select {
	case <-opened:
		return
	default:
	}
	late := time.NewTimer(openWait)
	defer late.Stop()
	select {
	case <-opened:
	case <-late.C:
	case <-ctx.Done():
	}
}
