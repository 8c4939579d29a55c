package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Credentials tell what to send to a server so that it lets us in. Package
// [github.com/breakwater-go/breakwater/upstream/auth] makes them of a netrc
// file, a GOAUTH value, or a function that gives a token. Methods may be called
// by many goroutines at once.
//
// Their user, an HTTP source, sees to it that what they give is sent over https
// or to a loopback address only, to no other host, port or scheme that a
// redirect leads to, and that it is in no error.
type Credentials interface {
	// Header returns the fields to send with a request for u, usually the one
	// named Authorization; empty for none. The caller does not change them. It
	// is asked before every request, so what takes long is to be remembered.
	//
	// After an error nothing is sent, for what an unknown caller is told to be
	// absent need not be. The error's text must name no secret.
	Header(ctx context.Context, u *url.URL) (http.Header, error)
}

// A CredentialsRefresher is Credentials that may know better after a refusal.
type CredentialsRefresher interface {
	Credentials

	// Refresh returns the fields to try in place of sent, with which the server
	// refused a request for u; empty, or the same, for nothing new. It is called
	// for the status 401 and 403, and for 404 where nothing was sent, because
	// some servers hide so what a stranger may not know of. The request is made
	// again at most once in a [Upstream] Fetch. The response has no body.
	//
	// After an error the refusal stands, but for a 404, which is then no answer.
	Refresh(ctx context.Context, u *url.URL, sent http.Header, refusal *http.Response) (http.Header, error)
}

const errCredentialsLate = timeoutError("the credentials did not come in time")

// A visit is what one Fetch sends: a request, those that redirects lead to, and
// at most one repeat with better credentials. They are added below http.Client,
// which so cannot carry them on to another host. Its requests come one by one.
type visit struct {
	source   *httpSource
	guard    *watchdog
	left     bool // a redirect has led away from the source: from there on nothing is sent
	sent     bool // the last request had credentials
	repeated bool
	err      error // why there are no better ones
	secrets  []string
}

func (v *visit) RoundTrip(r *http.Request) (*http.Response, error) {
	base := v.source.base
	if v.left = v.left || r.URL.Host != base.Host || r.URL.Scheme != base.Scheme; v.left {
		v.sent = false
		return v.source.away.RoundTrip(v.with(r, nil))
	}
	fields, err := v.fields(r)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", base.Host, err)
	}
	resp, err := v.source.opener.roundTrip(v.source.opts.Transport, v.with(r, fields))
	if err != nil || resp == nil {
		return resp, err
	}
	better, err := v.refreshed(r, fields, resp)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if better == nil {
		return resp, nil
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 8<<10) // so that the connection can be used again
	resp.Body.Close()
	v.guard.reset()
	return v.source.opts.Transport.RoundTrip(v.with(r, better))
}

// fields returns what to send with a request to the source itself.
func (v *visit) fields(r *http.Request) (http.Header, error) {
	if user := v.source.user; user != nil {
		password, _ := user.Password()
		own := http.Request{Header: make(http.Header)}
		own.SetBasicAuth(user.Username(), password)
		return own.Header, nil
	}
	if v.source.opts.Credentials == nil || !isPrivate(r.URL) {
		return nil, nil
	}
	defer v.own()()
	fields, err := v.source.opts.Credentials.Header(r.Context(), r.URL)
	if err != nil {
		return nil, err
	}
	return fields, checkFields(fields)
}

// refreshed returns what to repeat a refused request with; nil: nothing. An
// error of the credentials is kept for [visit.explain].
func (v *visit) refreshed(r *http.Request, sent http.Header, resp *http.Response) (http.Header, error) {
	c, ok := v.source.opts.Credentials.(CredentialsRefresher)
	if !ok || v.repeated || v.source.user != nil || !isPrivate(r.URL) || !mayBeRefused(resp.StatusCode, v.sent) {
		return nil, nil
	}
	defer v.own()()
	refusal := &http.Response{Status: resp.Status, StatusCode: resp.StatusCode, Proto: resp.Proto, ProtoMajor: resp.ProtoMajor,
		ProtoMinor: resp.ProtoMinor, Header: resp.Header, Body: http.NoBody, Request: r}
	better, err := c.Refresh(r.Context(), r.URL, sent, refusal)
	if err == nil {
		err = checkFields(better)
	}
	if err != nil && r.Context().Err() != nil {
		return nil, err
	}
	if err != nil {
		v.err = fmt.Errorf("credentials for %s: %w", r.URL.Host, err)
		return nil, nil
	}
	if len(better) == 0 || maps.EqualFunc(better, sent, slices.Equal) {
		return nil, nil
	}
	v.repeated = true
	return better, nil
}

// own has the time until its result is called counted as that of the
// credentials: a source is not to blame for a command that takes long.
func (v *visit) own() func() {
	bound := v.source.opts.headerTimeout()
	v.guard.next(bound, errCredentialsLate)
	return func() { v.guard.next(bound, errFirstByte) }
}

// with returns r with the fields added. What user information in a redirect's
// URL has made of r is sent as the redirecting server wants it, if in private.
func (v *visit) with(r *http.Request, fields http.Header) *http.Request {
	if v.left || len(fields) > 0 || r.Header.Get("Authorization") != "" { // else it stays as it is
		r = r.Clone(r.Context())
		if !isPrivate(r.URL) {
			r.Header.Del("Authorization")
		}
	}
	if v.left {
		dropTraceContext(r.Header)
	}
	v.secrets = append(v.secrets, secretsIn(r.Header.Values("Authorization"))...)
	v.secrets = append(v.secrets, secretsInQuery(r.URL)...)
	for name, values := range fields {
		r.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		v.secrets = append(v.secrets, secretsIn(values)...)
	}
	v.sent = len(fields) > 0
	return r
}

// explain says in a refusal what was or was not sent.
func (v *visit) explain(e *Error) {
	h := v.source
	switch {
	case e.Class == NotFound && v.err != nil:
		e.Class, e.Err = Unavailable, v.err // who is not known may be told so
	case e.Class != Denied || h.opts.Credentials == nil && h.user == nil:
	case v.err != nil:
		e.Err = v.err
	case v.left:
		e.Err = errors.New("credentials are not sent to where a redirect to another host, port or scheme has led")
	case !isPrivate(h.base):
		e.Err = fmt.Errorf("credentials for %s were not sent without encryption: use https", h.base.Host)
	case !v.sent && (e.Status == http.StatusUnauthorized || e.Text == ""): // else it has said why
		e.Err = fmt.Errorf("who runs this has to give it credentials for %s: none are known here", h.base.Host)
		e.Text = "" // advice for us, which clients of ours would take for themselves
	case e.Status == http.StatusUnauthorized:
		e.Err = fmt.Errorf("the credentials for %s were refused", h.base.Host)
	}
}

func mayBeRefused(status int, sent bool) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound && !sent
}

// isPrivate reports whether nobody can listen to what is sent to u.
func isPrivate(u *url.URL) bool { return u.Scheme == "https" || isLoopback(u.Hostname()) }

// Larger ones are refused by most servers; and what a server repeats of a larger
// one might not be known again (see [visit.screen]).
const maxFieldValue = 4 << 10

// checkFields refuses header fields that would change what is asked, or be no
// header fields (RFC 9110, sections 5.1 and 5.5). The error quotes no value.
func checkFields(fields http.Header) error {
	for name, values := range fields {
		if name == "" || strings.ContainsFunc(name, notInToken) {
			return errors.New("a header field's name is invalid")
		}
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Upgrade",
			"Range", "If-Range", "Accept-Encoding", "Via":
			return fmt.Errorf("the header field %s is not for credentials", name)
		}
		for _, value := range values {
			if len(value) > maxFieldValue {
				return fmt.Errorf("the header field %s is larger than the %d bytes allowed", name, maxFieldValue)
			}
			if strings.ContainsFunc(value, isControl) {
				return fmt.Errorf("the header field %s holds a line break or another control character", name)
			}
		}
	}
	return nil
}

func notInToken(r rune) bool {
	alnum := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
