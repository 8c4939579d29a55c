package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/breakwater-go/breakwater/upstream"
)

// An UnauthorizedError is the error of an Authorize func (see [HandlerOptions])
// for a caller who has not said who he is, or not convincingly. The handler
// answers it with 401 and the challenge, upon which the go command tries what its
// GOAUTH names.
type UnauthorizedError struct {
	// Challenge is the value of the WWW-Authenticate header, such as
	// `Bearer realm="modules"`; several challenges are separated by commas
	// (RFC 9110, section 11.6.1). Default: Basic, which is what the go command
	// answers from a netrc file.
	Challenge string

	// Err is what the caller is told. It must name no credential. Default: that
	// he has to say who he is, and how the go command does.
	Err error
}

// The go command sends credentials over https and in no other way.
var errWhoIsIt = errors.New("say who you are: have credentials for this host in a netrc file or set GOAUTH (go help goauth), and use https")

// Error returns what the caller is told.
func (e *UnauthorizedError) Error() string {
	if e == nil || e.Err == nil {
		return errWhoIsIt.Error()
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *UnauthorizedError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// challenge returns the value of the header that every 401 must have.
func (e *UnauthorizedError) challenge() string {
	const basic = `Basic realm="Go modules"`
	if e == nil {
		return basic
	}
	return cmp.Or(e.Challenge, basic)
}

// asUnauthorized finds the error that has a denial answered with a challenge.
func asUnauthorized(e *upstream.Error) (*UnauthorizedError, bool) {
	if e.Class != upstream.Denied {
		return nil, false
	}
	return errors.AsType[*UnauthorizedError](e.Err)
}

var errBrokeOff = errors.New("whether you may have this could not be found out: the check broke off, see this server's log")

// admit asks who may have what is asked for and, for the audit log, who asks.
// Where the embedder's funcs panic, the caller gets an error, the log a record,
// and the panic goes on to whoever logs those.
func (x *exchange) admit() (caller string, err error) {
	h, r, req := x.handler, x.r, x.req
	if h.opts.Authorize == nil && h.opts.Audit == nil {
		return "", nil
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		err := &upstream.Error{Request: req, Err: errBrokeOff}
		x.fail(err)
		http.NewResponseController(x.w).Flush() // what is buffered goes down with the panic
		x.auditRefusal(r, req, peer(r), byAuthorize, err, Decision{})
	}()
	err = h.authorize(r, req)
	caller = h.callerOf(r)
	returned = true
	return caller, err
}

// authorize asks who may ask for what. An error that is not an [upstream.Error]
// means that this caller may not have it.
func (h *handler) authorize(r *http.Request, req upstream.Request) error {
	if h.opts.Authorize == nil {
		return nil
	}
	err := h.opts.Authorize(r, req)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		if e == nil { // AsError knows what to make of it
			return err
		}
		if _, unauthorized := errors.AsType[*UnauthorizedError](err); !unauthorized {
			return err
		}
	}
	if u, ok := err.(*UnauthorizedError); ok && u != nil && u.Err == nil {
		err = &UnauthorizedError{Challenge: u.Challenge, Err: fmt.Errorf("%w: the netrc file's line is \"machine %.100s login ... password ...\"", errWhoIsIt, r.Host)}
	}
	return &upstream.Error{Class: upstream.Denied, Request: req, Err: err}
}

// callerOf says who asks, for the audit log; if there is none nobody is named.
func (h *handler) callerOf(r *http.Request) string {
	switch {
	case h.opts.Audit == nil:
		return ""
	case h.opts.Caller != nil:
		return h.opts.Caller(r)
	}
	return peer(r)
}

// peer names the other end of the connection.
func peer(r *http.Request) string {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return r.TLS.VerifiedChains[0][0].Subject.String()
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
