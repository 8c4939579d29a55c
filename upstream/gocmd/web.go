package gocmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
)

// web asks for pages over the guard's connections.
type web struct {
	credentials upstream.Credentials
	pools       map[pool]*http.Transport
}

// A pool says which requests share connections. One that was made to a host
// because Options.Hosts names it is not there for those it does not count for,
// and one that has seen credentials not for those without.
type pool struct{ private, byName, insecure bool }

func newWeb(g *guard, s *settings) *web {
	w := &web{credentials: s.Credentials, pools: map[pool]*http.Transport{}}
	if w.credentials == nil {
		w.credentials = auth.Netrc(s.Netrc)
	}
	for _, insecure := range []bool{false, true} {
		config := &tls.Config{RootCAs: s.roots, InsecureSkipVerify: insecure}
		w.pools[pool{true, true, insecure}] = newTransport(g, config.Clone())
		w.pools[pool{false, true, insecure}] = newTransport(g, config.Clone())
		w.pools[pool{false, false, insecure}] = newTransport(g.forStrangers(), config.Clone())
	}
	return w
}

func newTransport(g *guard, config *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:           g.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConns:          16,
		ForceAttemptHTTP2:     true,
	}
}

// transport returns what makes a request for u on behalf of a module. It adds no
// credentials.
func (w *web) transport(t trust, u *url.URL) *http.Transport {
	return w.pools[pool{t.private, t.byName(u.Hostname()), t.insecure && u.Scheme == "https"}]
}

func (w *web) CloseIdleConnections() {
	for _, t := range w.pools {
		t.CloseIdleConnections()
	}
}

var errRedirects = errors.New("stopped after 10 redirects")

// checkRedirect is the go command's rule (cmd/go/internal/web): at most 10, and
// none that leaves https.
func checkRedirect(r *http.Request, via []*http.Request, insecure bool) error {
	if r.URL.Scheme != "https" && !(insecure && r.URL.Scheme == "http") {
		return &refusal{what: r.URL.Redacted(), why: "a redirect led there, away from https"}
	}
	if len(via) >= 10 {
		return errRedirects
	}
	return nil
}

// get asks for u on behalf of a module; for one of Options.Insecure without
// verifying who answers, and over http if https fails. The caller closes the body.
func (w *web) get(ctx context.Context, u *url.URL, t trust) (*http.Response, error) {
	resp, err := w.do(ctx, t, u)
	if !t.insecure || err == nil || u.Scheme != "https" || ctx.Err() != nil {
		return resp, err
	}
	plain := *u
	plain.Scheme = "http"
	return w.do(ctx, t, &plain)
}

func (w *web) do(ctx context.Context, t trust, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "breakwater")
	client := &http.Client{
		Transport:     &identified{w, t},
		CheckRedirect: func(r *http.Request, via []*http.Request) error { return checkRedirect(r, via, t.insecure) },
	}
	return client.Do(req)
}

// identified makes the requests of a module. It chooses the connection, and adds
// credentials, below http.Client: so each redirect is judged by itself, and none
// carries credentials along.
type identified struct {
	web *web
	trust
}

func (t *identified) RoundTrip(req *http.Request) (*http.Response, error) {
	next := t.web.transport(t.trust, req.URL)
	if !t.private || req.URL.Scheme != "https" || hasLeft(req) {
		return next.RoundTrip(with(req, nil))
	}
	fields, err := t.web.credentials.Header(req.Context(), req.URL)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", req.URL.Host, err)
	}
	resp, err := next.RoundTrip(with(req, fields))
	if err != nil {
		return nil, err
	}
	better, err := t.web.refreshed(req, fields, resp)
	if err == nil && better == nil {
		return resp, nil
	}
	resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", req.URL.Host, err)
	}
	return next.RoundTrip(with(req, better))
}

// refreshed returns what to repeat a refused request with; nil: nothing (see
// [upstream.CredentialsRefresher]).
func (w *web) refreshed(req *http.Request, sent http.Header, resp *http.Response) (http.Header, error) {
	c, ok := w.credentials.(upstream.CredentialsRefresher)
	hidden := resp.StatusCode == http.StatusNotFound && len(sent) == 0
	if !ok || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden && !hidden {
		return nil, nil
	}
	refusal := *resp
	refusal.Body, refusal.ContentLength = http.NoBody, 0
	better, err := c.Refresh(req.Context(), req.URL, sent, &refusal)
	if err != nil && !hidden {
		return nil, nil // the refusal stands
	}
	if err != nil || len(better) == 0 || maps.EqualFunc(better, sent, slices.Equal) {
		return nil, err
	}
	return better, nil
}

// hasLeft reports whether redirects have led to, or over, another host than the
// one that was asked first.
func hasLeft(req *http.Request) bool {
	host := req.URL.Host
	for r := req; r.Response != nil; {
		if r = r.Response.Request; r.URL.Host != host || r.URL.Scheme != "https" {
			return true
		}
	}
	return false
}

// with returns req with these credentials and no others.
func with(req *http.Request, fields http.Header) *http.Request {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	req.Header.Del("Referer")
	for name, values := range fields {
		req.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return req
}
