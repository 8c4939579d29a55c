package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// An Exchange is one request that a source from [NewHTTP] made, and what came
// back. Of URLs only scheme and host are told: after a redirect the rest may be
// signed.
type Exchange struct {
	URL   string // who was asked; after a redirect, where that led
	Proxy string // the forward proxy it went through; empty: none, or it is not known

	Began time.Time     // when the request was made
	Took  time.Duration // until the response's header was there, or the failure

	Status      int    // of the response; 0: none came, and so for all that follows
	ContentType string // as it was sent
	Location    string // where a redirect leads

	// Date is what the server's clock said: the header of that name, and Age where
	// a cache on the way kept the answer (RFC 9111, section 4.2.3). Zero: nothing.
	Date time.Time

	Credentials bool                 // some were sent
	TLS         *tls.ConnectionState // nil: no encryption
}

// A ProxyError is the refusal of a forward proxy to connect to a source. With a
// Transport of one's own, it comes in place of an untyped error while exchanges are
// watched.
type ProxyError struct {
	Proxy  string // its URL, without credentials
	Status int    // what it answered in place of 200
}

// Error names the proxy and the status.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy %s answered %d %s", e.Proxy, e.Status, http.StatusText(e.Status))
}

type watchKey struct{}

// WithExchanges returns a context with which each HTTP request that a source from
// [NewHTTP] makes is told to tell, in order for one Fetch; several Fetches at once
// call it at once. So that nothing is seen of earlier connections, such requests go
// over new ones, which a copy of the source's [http.Transport] makes: by the same
// rules, proxies, certificates and bounds. A Transport of another type is used as
// it is.
//
// stop closes those connections, and ends the telling. It is to be called when the
// bodies are closed; calling it again does nothing.
func WithExchanges(ctx context.Context, tell func(Exchange)) (watched context.Context, stop func()) {
	w := &watching{tell: tell, copies: map[*http.Transport]*http.Transport{}}
	return context.WithValue(ctx, watchKey{}, w), w.stop
}

type watching struct {
	tell func(Exchange)

	mu      sync.Mutex
	stopped bool
	copies  map[*http.Transport]*http.Transport // by whose they are of
}

func (w *watching) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	for _, t := range w.copies {
		t.CloseIdleConnections()
	}
}

// watch has the requests of a visit told to whoever watches ctx.
func watch(ctx context.Context, v *visit) {
	w, _ := ctx.Value(watchKey{}).(*watching)
	if w == nil {
		return
	}
	source := *v.source
	source.opts.Transport = &watched{w, v, w.copy(source.opts.Transport)}
	source.away = &watched{w, v, w.copy(source.away)}
	v.source = &source
}

// copy returns what to ask in the place of t: the same copy each time.
func (w *watching) copy(own http.RoundTripper) http.RoundTripper {
	t, ok := own.(*http.Transport)
	if !ok || t == nil {
		return own
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return own // nobody would close the connections of a copy
	}
	if w.copies[t] == nil {
		w.copies[t] = openly(t)
	}
	return w.copies[t]
}

type exchangeKey struct{}

// openly returns a copy of t that says which proxy it uses, and what that says.
func openly(t *http.Transport) *http.Transport {
	c := t.Clone()
	if choose := t.Proxy; choose != nil {
		c.Proxy = func(r *http.Request) (*url.URL, error) {
			proxy, err := choose(r)
			if e, ok := r.Context().Value(exchangeKey{}).(*Exchange); ok && err == nil && proxy != nil {
				e.Proxy = redact(proxy)
			}
			return proxy, err
		}
	}
	inspect := t.OnProxyConnectResponse
	c.OnProxyConnectResponse = func(ctx context.Context, proxy *url.URL, r *http.Request, resp *http.Response) error {
		if inspect != nil {
			if err := inspect(ctx, proxy, r, resp); err != nil {
				return err
			}
		}
		return nameProxy(ctx, proxy, r, resp)
	}
	return c
}

// nameProxy makes an error that can be understood of a proxy's refusal, for
// [http.Transport.OnProxyConnectResponse].
func nameProxy(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{redact(proxy), resp.StatusCode}
	}
	return nil
}

// watched makes requests and tells of them.
type watched struct {
	watching *watching
	visit    *visit
	next     http.RoundTripper
}

func (t *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	e := Exchange{URL: origin(r.URL), Credentials: t.visit.sent || r.URL.User != nil, Began: time.Now()}
	// The proxy is chosen before RoundTrip returns, in this goroutine.
	resp, err := t.next.RoundTrip(r.WithContext(context.WithValue(r.Context(), exchangeKey{}, &e)))
	e.Took = time.Since(e.Began)
	if err == nil && resp != nil {
		e.learn(r, resp)
	}
	t.watching.mu.Lock()
	stopped := t.watching.stopped
	t.watching.mu.Unlock()
	if !stopped {
		t.watching.tell(e)
	}
	return resp, err
}

func (e *Exchange) learn(r *http.Request, resp *http.Response) {
	e.Status, e.TLS = resp.StatusCode, resp.TLS
	e.ContentType = resp.Header.Get("Content-Type")
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		age, _ := strconv.ParseUint(resp.Header.Get("Age"), 10, 31)
		e.Date = date.Add(time.Duration(age) * time.Second)
	}
	if location := resp.Header.Get("Location"); location != "" && resp.StatusCode/100 == 3 {
		if to, err := r.URL.Parse(location); err == nil {
			e.Location = origin(to)
		}
	}
}

func origin(u *url.URL) string { return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() }
