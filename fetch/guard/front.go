package guard

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// front refuses what no handler of ours has a use for, and sets the headers that
// every answer has.
type front struct {
	next  http.Handler
	opts  ServerOptions
	hosts map[string]bool // in lower case; nil for any
}

func newFront(next http.Handler, o ServerOptions) *front {
	f := &front{next: next, opts: o}
	if len(o.Hosts) > 0 {
		f.hosts = map[string]bool{}
	}
	for _, host := range o.Hosts {
		f.hosts[hostName(host)] = true
	}
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())
	boundBody(w, r)
	if code, why := f.objection(r); code != 0 {
		refuse(w, code, why)
		return
	}
	if ranges := r.Header.Values("Range"); len(ranges) > 1 || len(ranges) == 1 && strings.Count(ranges[0], ",") >= f.opts.MaxRanges {
		r.Header.Del("Range")
	}
	f.next.ServeHTTP(w, r)
}

// setSecurityHeaders says to browsers that what is served here is no page: not
// to run, frame, guess the type of, or hand to another site. Whether the host
// speaks https alone (Strict-Transport-Security) is for its owner to say.
func setSecurityHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// objection returns the status for a request that is not passed on, and why; or
// 0. What is wrong is not repeated to the client: it may hold a credential.
func (f *front) objection(r *http.Request) (code int, why string) {
	switch {
	case r.ContentLength != 0:
		return http.StatusBadRequest, "a request of the module proxy protocol has no body"
	case len(r.RequestURI) > f.opts.MaxURLBytes:
		return http.StatusRequestURITooLong, "the URL is longer than any module's"
	case len(r.URL.RawQuery) > f.opts.MaxQueryBytes:
		return http.StatusRequestURITooLong, "the module proxy protocol has no query"
	case r.URL.User != nil: // the server itself refuses them in the Host
		return http.StatusBadRequest, "credentials do not belong in the URL of a request: send an Authorization header"
	case f.hosts != nil && !f.hosts[hostName(r.Host)]:
		return http.StatusMisdirectedRequest, "this server goes by another name"
	}
	return 0, ""
}

// hostName returns the name or address in a Host header, in the form in which
// names are compared.
func hostName(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// bodyTime is how long is listened to a body that nobody reads, so that a client
// that has sent it sees the answer before the connection is closed.
const bodyTime = time.Second

// boundBody sees to it that nobody waits for a body for longer than that. The
// server reads what is left of one before it goes on, for as long as the client
// likes to take.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	// It fails only for a writer that is not the server's own, which has
	// nothing to wait for.
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // or the body is read before the answer is sent
	}
}

func refuse(w http.ResponseWriter, code int, why string) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(why)+1))
	w.WriteHeader(code)
	io.WriteString(w, why+"\n")
}
