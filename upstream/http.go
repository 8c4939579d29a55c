package upstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// NewHTTP returns a source that asks the module proxy at baseURL over HTTP.
//
// User information in the URL is sent as basic authentication. Neither it nor
// [HTTPOptions].Credentials go anywhere but over https or to a loopback address,
// nor to another host that the proxy redirects to, nor on from there. Redirects are followed for at most 10 requests, as by the go command, and
// never from https to http. Bodies over [Kind.MaxSize] and encodings that were
// not asked for are refused.
//
// Only the statuses 404 and 410 mean [NotFound]; 401, 403 and 451 mean [Denied];
// 408, 504 and every bound on time mean [Timeout]; whatever else is not 200, and
// every failure of the connection, means [Unavailable].
//
// The result has methods Name and CloseIdleConnections. The error says what is
// wrong with the URL, without its credentials.
func NewHTTP(baseURL string, opts *HTTPOptions) (Upstream, error) {
	base, err := parseSourceURL(baseURL)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "file" {
		return nil, fmt.Errorf("%s is not an http or https URL; use Dir for a directory", redact(base))
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("proxy URL must not have a query or fragment: %s", redact(base))
	}
	if base.User != nil && base.Scheme == "http" && !isLoopback(base.Hostname()) {
		return nil, fmt.Errorf("refusing to send credentials without encryption: use https in %s", redact(base))
	}
	h := &httpSource{opts: opts.withDefaults(), opener: new(opener)}
	h.away = opts.newAway(h.opts.Transport)
	h.name = cmp.Or(h.opts.Name, redact(base))
	h.user = base.User
	base.User = nil
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawPath = strings.TrimSuffix(base.RawPath, "/")
	h.base = base
	if h.blank, err = http.NewRequest(http.MethodGet, base.String(), nil); err != nil {
		return nil, errBadURL
	}
	h.blank.Header.Set("User-Agent", h.opts.UserAgent)
	h.blank.Header.Set("Accept-Encoding", "identity") // a zip must come as it is stored
	return h, nil
}

type httpSource struct {
	name string
	base *url.URL // without user information
	user *url.Userinfo
	opts HTTPOptions
	away http.RoundTripper // for other hosts that a redirect leads to

	opener *opener

	blank *http.Request // what all requests have in common; nobody changes it

	database string // of a checksum database's own server, whose paths have no /sumdb/name
}

func (h *httpSource) Name() string { return h.name }

// Format prints the name for every verb: some would print the password.
func (h *httpSource) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.name) }

// CloseIdleConnections closes the connections that are kept for later requests.
func (h *httpSource) CloseIdleConnections() {
	(&http.Client{Transport: h.opts.Transport}).CloseIdleConnections()
	(&http.Client{Transport: h.away}).CloseIdleConnections()
}

func (h *httpSource) Fetch(ctx context.Context, req Request) (*Response, error) {
	if req.Kind() == 0 {
		return nil, h.fail(ctx, req, errZeroRequest)
	}
	if Offline(ctx) {
		return nil, &Error{Request: req, Err: ErrOffline} // no source is to blame
	}
	guard := startWatchdog(ctx, h.opts.headerTimeout(), errFirstByte)
	httpReq := h.newRequest(guard.ctx, req)
	visit := &visit{source: h, guard: guard}
	watch(ctx, visit)
	resp, err := visit.do(httpReq)
	if err != nil {
		err = visit.clean(h.fail(ctx, req, guard.cause(err)))
		guard.stop()
		return nil, err
	}
	guard.next(h.opts.StallTimeout, errStalled)
	body := &httpBody{source: h, ctx: ctx, req: req, guard: guard, body: visit.body(resp.Body), left: req.Kind().MaxSize()}
	point := resumePoint(ctx, req)
	if err := h.refuse(req, resp, point, visit); err != nil {
		body.Close()
		return nil, err
	}
	guard.pause()
	answer := &Response{Body: body, Size: resp.ContentLength, Source: h.name}
	if len(resp.Header["Last-Modified"])+len(resp.Header["Etag"]) > 0 { // a time that is not there costs the most to read
		answer.ModTime, _ = http.ParseTime(resp.Header.Get("Last-Modified"))
		answer.Validator = validator(resp.Header)
	}
	if !req.Immutable() {
		markStale(answer, resp.Header)
	}
	if resp.StatusCode == http.StatusPartialContent {
		answer.Offset, answer.Size = point.Offset, point.Offset+resp.ContentLength
		body.left -= point.Offset
	}
	return answer, nil
}

func (h *httpSource) newRequest(ctx context.Context, req Request) *http.Request {
	path := req.URLPath()
	if h.database != "" {
		path = "/" + req.Resource()
	}
	target := *h.blank.URL
	if target.RawPath != "" {
		target.RawPath += (&url.URL{Path: path}).EscapedPath()
	}
	target.Path += path
	r := h.blank.WithContext(ctx)
	r.URL = &target
	r.Header = maps.Clone(h.blank.Header) // the values are shared: they are replaced, never changed
	if point := resumePoint(ctx, req); point.Offset > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", point.Offset))
		r.Header.Set("If-Range", point.Validator)
	}
	if via := Via(ctx); via != "" {
		r.Header.Set("Via", via)
	}
	sendTraceContext(ctx, r.Header)
	return r
}

// do sends a request, and those that redirects lead to.
//
// [http.Client] is asked only about an answer that is a redirect or none at all: to
// prepare for redirects costs it more than a small file may, and few sources redirect.
func (v *visit) do(r *http.Request) (*http.Response, error) {
	resp, err := v.RoundTrip(r)
	if err == nil && resp != nil && resp.Body != nil && resp.StatusCode/100 != 3 {
		return resp, nil
	}
	begun := &begunTrip{RoundTripper: v, resp: resp, err: err}
	client := &http.Client{Transport: readableRedirects{begun}, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		v.guard.reset()
		return checkRedirect(next, via)
	}}
	return client.Do(r)
}

// begunTrip answers its first request with what that has already come to.
type begunTrip struct {
	http.RoundTripper
	resp *http.Response
	err  error
	told bool
}

func (t *begunTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.told {
		return t.RoundTripper.RoundTrip(r)
	}
	t.told = true
	return t.resp, t.err
}

// checkRedirect follows the go command (web/http.go). What credentials go with
// the next request is for [visit] to decide.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if first.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("redirected from secure URL to insecure URL %s", (&url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host, Path: next.URL.Path}).Redacted())
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	next.Header.Del("Referer")
	return nil
}

// readableRedirects refuses a redirect to what is no URL. The error that
// net/http makes of it quotes the Location, which may be signed.
type readableRedirects struct{ http.RoundTripper }

func (t readableRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil || resp == nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	if _, err := r.URL.Parse(resp.Header.Get("Location")); err != nil {
		resp.Body.Close()
		return nil, errors.New("redirected to an invalid URL")
	}
	return resp, nil
}

// refuse returns the error for a response that is not a good answer.
func (h *httpSource) refuse(req Request, resp *http.Response, point ResumePoint, visit *visit) error {
	if e := h.refusal(req, resp, point, visit); e != nil {
		return visit.clean(e)
	}
	return nil
}

func (h *httpSource) refusal(req Request, resp *http.Response, point ResumePoint, visit *visit) *Error {
	var err error
	switch {
	case resp.StatusCode == http.StatusPartialContent && point.Offset > 0:
		err = checkRange(resp, point)
	case resp.StatusCode != http.StatusOK:
		return h.statusError(req, resp, point, visit)
	}
	if err == nil {
		err = checkAnswer(req, resp, point)
	}
	if err != nil {
		return &Error{Request: req, Source: h.name, Err: err}
	}
	return nil
}

func (h *httpSource) statusError(req Request, resp *http.Response, point ResumePoint, visit *visit) *Error {
	e := &Error{Class: statusClass(resp.StatusCode), Request: req, Source: h.name, Status: resp.StatusCode}
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && point.Offset > 0 {
		e.Err = ErrCannotResume
	}
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	// Read from resp.Body, the text does not reset the guard: all of it must
	// come within the bound for one byte.
	e.Text = errorText(resp.Header.Get("Content-Type"), visit.screen(resp.Body))
	visit.explain(e)
	return e
}

// checkAnswer says why a response with a good status is none.
func checkAnswer(req Request, resp *http.Response, point ResumePoint) error {
	if enc := resp.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return fmt.Errorf("sent Content-Encoding %q, which was not asked for", enc)
	}
	if endsWithConnection(resp) && req.Kind() != Zip {
		return errNoLength
	}
	size := resp.ContentLength
	if resp.StatusCode == http.StatusPartialContent {
		size += point.Offset
	}
	if limit := req.Kind().MaxSize(); size > limit {
		return tooLarge(limit)
	}
	return nil
}

var errNoLength = errors.New("the answer has no length and no encryption, so that one that broke off would look whole")

// endsWithConnection reports whether nothing but the end of an unencrypted
// connection ends the body. A zip has an end of its own.
func endsWithConnection(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.Close && resp.TLS == nil && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
}

func statusClass(status int) Class {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		return Denied
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return Timeout
	}
	return Unavailable
}

// fail makes the error for a request or a body that broke off. A caller whose
// own context has ended is told so; the source is not to blame then.
func (h *httpSource) fail(ctx context.Context, req Request, err error) *Error {
	if ctx.Err() != nil {
		return ContextError(ctx, req, h.name)
	}
	// A *url.Error repeats the URL, which after a redirect may be signed.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if isExhausted(err) {
		return &Error{Class: Overloaded, Request: req, Err: err} // no source is to blame
	}
	e := &Error{Request: req, Source: h.name, Err: err}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		e.Class = Timeout
	}
	return e
}

// isExhausted reports whether this machine, and not the source, is at its end.
func isExhausted(err error) bool {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
