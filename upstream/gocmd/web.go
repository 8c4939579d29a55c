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
)

// web asks for pages over the guard's connections.
type web struct {
	secure, insecure *http.Client
	plain            http.RoundTripper // adds no credentials
	idle             []*http.Transport
}

func newWeb(g *guard, s *settings) *web {
	credentials := s.Credentials
	if credentials == nil {
		credentials = netrc(s.Netrc)
	}
	w := new(web)
	client := func(insecure bool) *http.Client {
		t := &http.Transport{
			DialContext:           g.DialContext,
			TLSClientConfig:       &tls.Config{RootCAs: s.roots, InsecureSkipVerify: insecure},
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: time.Minute,
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConns:          16,
			ForceAttemptHTTP2:     true,
		}
		w.idle = append(w.idle, t)
		return &http.Client{
			Transport:     &identified{t, credentials},
			CheckRedirect: func(r *http.Request, via []*http.Request) error { return checkRedirect(r, via, insecure) },
		}
	}
	w.secure, w.insecure = client(false), client(true)
	w.plain = w.idle[0]
	return w
}

func (w *web) CloseIdleConnections() {
	for _, t := range w.idle {
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

// get asks for u; for a module of Options.Insecure without verifying who
// answers, and over http if https fails. The caller closes the body.
func (w *web) get(ctx context.Context, u *url.URL, insecure bool) (*http.Response, error) {
	if !insecure {
		return w.do(ctx, w.secure, u)
	}
	resp, err := w.do(ctx, w.insecure, u)
	if err == nil || u.Scheme != "https" || ctx.Err() != nil {
		return resp, err
	}
	plain := *u
	plain.Scheme = "http"
	return w.do(ctx, w.insecure, &plain)
}

func (w *web) do(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "breakwater")
	return client.Do(req)
}

// identified adds credentials to requests below http.Client, which so cannot
// carry them along a redirect.
type identified struct {
	next        *http.Transport
	credentials upstream.Credentials
}

func (t *identified) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" || hasLeft(req) {
		return t.next.RoundTrip(with(req, nil))
	}
	fields, err := t.credentials.Header(req.Context(), req.URL)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", req.URL.Host, err)
	}
	resp, err := t.next.RoundTrip(with(req, fields))
	if err != nil {
		return nil, err
	}
	better, err := t.refreshed(req, fields, resp)
	if err == nil && better == nil {
		return resp, nil
	}
	resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", req.URL.Host, err)
	}
	return t.next.RoundTrip(with(req, better))
}

// refreshed returns what to repeat a refused request with; nil: nothing (see
// [upstream.CredentialsRefresher]).
func (t *identified) refreshed(req *http.Request, sent http.Header, resp *http.Response) (http.Header, error) {
	c, ok := t.credentials.(upstream.CredentialsRefresher)
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
