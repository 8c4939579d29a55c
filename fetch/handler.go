package fetch

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
)

// HandlerOptions configures [NewHandler]. A nil *HandlerOptions and zero fields
// mean the defaults.
type HandlerOptions struct {
	// MaxAge is how long clients and caches on the way may keep the answer to a
	// changeable question. Default: 1 minute; negative: not at all.
	MaxAge time.Duration

	// ID names this proxy in the Via header of its requests. A request that
	// arrives with that name in its Via has gone round in a circle and is
	// denied, which nobody on the way tries again. What has no place in a Via, such
	// as a space or a comma, is percent-encoded there. Keep it short: a Via of more
	// than 1 KiB is denied, too. Default: a random name. Replicas that share a name
	// must not be each other's sources.
	ID string

	// Authorize decides whether the caller may have what is asked for, also where
	// it is at hand. It is called for every request that the protocol has: GET and
	// HEAD, and a checksum database's, some of which name no module. Its error goes
	// to the caller: with status 401 if it is an [*UnauthorizedError], by its class
	// if it is an [*upstream.Error], else as denied. Its text must not tell what the
	// caller may not know. If it panics nothing is handed out. With it, caches that
	// others share are told to keep no answer. Package guard has ready-made pieces.
	// Default: whoever can reach the handler may have everything.
	Authorize func(r *http.Request, req upstream.Request) error

	// Caller names who asks, for the audit log. It is called after Authorize and
	// before anything is handed out; of a caller that was turned away the name is
	// what he claims. If it panics nothing is handed out. Default: the subject of
	// the client's certificate, where one was verified, else the IP address.
	Caller func(r *http.Request) string

	// Audit is told of each download of a go.mod file or zip, which is a GET that
	// is answered with 200, 206 or 304; of whatever is denied, by Authorize, a
	// [Policy] or a source; and of any other answer, also an error, in which a part
	// of a Policy had a say. That is a Policy around the Fetcher that is served; of
	// one around a source of a [Client] nothing is told but its denials, as those of
	// any source. It is told after the answer was written, also where that broke
	// off on the way, by the goroutine that wrote it, which it must not keep long.
	// If it panics the connection is broken, but what was asked for may have been
	// handed out. [audit.LogJSON] and [audit.Log] write to a log. Default: nobody is told.
	Audit func(ctx context.Context, r audit.Record)

	// Stream has a zip that is not at hand sent to the client while it is downloaded and
	// verified, rather than afterwards, but for its end: at least the last 64 KiB, and
	// whatever else a reader of zips looks for first, are held back until it has been
	// verified. If that fails, the connection is broken: the client has a part that
	// nothing takes for a zip, and does not learn why; the log does. A source that
	// breaks off, or that sends something else, is gone around as always, as long as what
	// was sent already is also the begin of what the next one has, and the length that the
	// first one announced is that of the file. What is sent so has no validators, so that
	// a download which breaks off is gone on with by a Range without If-Range. The price:
	// the go command says "unexpected EOF" where it would have told why, when the tries are
	// used up. A [Policy] that looks at zips gets them whole before anybody else. HEAD, and
	// who asks for a part or on a condition, is answered when the zip is here and verified.
	// Default: nothing leaves before it has been verified.
	Stream bool

	// Access is told of each request, whatever its method and path, when it has been
	// answered or has broken off, by the goroutine that answered it, which it must not
	// keep long. [AccessLog] and [LogAccess] write to a log. Default: nobody is told.
	Access func(ctx context.Context, a Access)

	// Logger gets a line for each request that failed, which says what was tried, how
	// long it took, and why it came to nothing. Bytes that are not what they must be are
	// of level Error, what could not be had Warn, what the caller may not have Info, and
	// what does not exist Debug. Default: [slog.Default].
	Logger *slog.Logger
}

// NewHandler returns a handler that serves f by the module proxy protocol
// (https://go.dev/ref/mod#goproxy-protocol), the checksum databases' part of it
// included. Mount it under a prefix with [http.StripPrefix].
//
// It answers GET and HEAD, byte ranges and conditional requests. A request with
// "Disable-Module-Fetch: true" is answered from what is at hand. A stale answer
// has an Age, and Cache-Status (RFC 9211) says where every answer came from.
// Errors are text/plain, at most 8 short lines, with the status that their
// class has in the package comment's table. A body that breaks off breaks the
// connection: it never looks complete.
//
// The handler may serve many requests at once. It does not close f, which must not
// be nil: NewHandler panics then.
func NewHandler(f Fetcher, opts *HandlerOptions) http.Handler {
	if f == nil {
		panic("fetch: NewHandler: the Fetcher is nil")
	}
	h := &handler{fetcher: f, nosniff: []string{"nosniff"}}
	if opts != nil {
		h.opts = *opts
	}
	h.opts.MaxAge = cmp.Or(h.opts.MaxAge, time.Minute)
	h.opts.Logger = cmp.Or(h.opts.Logger, slog.Default())
	// Encoded, it is one word, without which no hop would be found to be ours.
	h.opts.ID = url.PathEscape(cmp.Or(h.opts.ID, "breakwater-"+rand.Text()))
	return h
}

type handler struct {
	fetcher Fetcher
	opts    HandlerOptions
	nosniff []string // the value of that header, for all answers
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, w: w, r: r, begun: time.Now()}
	if h.opts.Access != nil {
		x.openAccount()
		defer x.closeAccount()
	}
	x.answer()
	x.whole = true
}

// An exchange is one request on its way through the handler, and its answer.
type exchange struct {
	*handler
	w       http.ResponseWriter
	r       *http.Request
	begun   time.Time
	req     upstream.Request // zero as long as the protocol has no such path
	account *account         // nil: nobody wants one
	counted *counted         // nil: nobody has had to count yet; else it is w
	held    *cache.Held      // what memory has under the request's path; nil: nobody has looked, or nothing
	relay   *relay           // nil: nothing is sent before it has been verified
	whole   bool             // it has come to its end
}

func (x *exchange) answer() {
	x.w.Header()["X-Content-Type-Options"] = x.nosniff
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		x.note(nil, &upstream.Error{Class: upstream.Denied, Err: errMethod})
		methodNotAllowed(x.w)
		return
	}
	if !x.recall() {
		var err error
		if x.req, err = upstream.ParsePath(x.r.URL.Path); err != nil {
			x.fail(err)
			return
		}
	}
	x.serve()
}

// fail answers with an error, and logs why.
func (x *exchange) fail(err error) {
	x.note(nil, err)
	e := upstream.AsError(err, x.req, "")
	if !x.relay.hasBegun() {
		x.writeError(x.w, x.r, e)
	}
	x.logFailure(e)
}

// serve answers a request that the protocol has.
func (x *exchange) serve() {
	r, req := x.r, x.req
	caller, err := x.admit()
	if err != nil {
		x.fail(err)
		x.auditRefusal(r, req, caller, byAuthorize, err, Decision{})
		return
	}
	if x.serveHeld(caller) {
		return
	}
	via := x.via(r)
	if err := x.checkVia(r, req, via); err != nil {
		x.fail(err)
		x.auditRefusal(r, req, caller, byVia, err, Decision{})
		return
	}
	ctx := upstream.WithVia(r.Context(), via)
	if r.Header.Get("Disable-Module-Fetch") == "true" {
		ctx = upstream.WithOffline(ctx)
	}
	ctx, said := x.listen(ctx)
	defer func() { x.relay.close() }()
	resp, err := x.fetch(ctx)
	decision := said.read()
	if err != nil {
		x.fail(err)
		x.auditRefusal(r, req, caller, "", err, decision)
		x.relay.cut()
		return
	}
	defer resp.Body.Close()
	if x.relay.hasBegun() {
		x.finish(resp, caller, decision)
		return
	}
	x.note(resp, nil)
	if x.opts.Audit != nil {
		c := x.count()
		defer func() { x.auditAnswer(r, req, caller, resp, decision, c) }() // also when the body breaks off
	}
	x.writeHeader(x.w.Header(), req, resp)
	x.writeBody(resp)
}

func (h *handler) writeHeader(header http.Header, req upstream.Request, resp *upstream.Response) {
	header.Set("Content-Type", contentType(req.Kind()))
	header.Set("Cache-Control", h.private(h.cacheControl(req, resp)))
	header.Set("Cache-Status", cacheStatus(resp))
	if resp.Digest != "" {
		header.Set("ETag", `"`+resp.Digest+`"`)
	}
	if !req.Immutable() && (resp.Cached || resp.Stale != nil) && !resp.Fetched.IsZero() {
		h.writeAge(header, resp.Fetched)
	}
}

// writeAge says how old an answer is that can change (RFC 9111, section 5.1).
func (h *handler) writeAge(header http.Header, fetched time.Time) {
	age := max(0, time.Since(fetched))
	header.Set("Age", strconv.FormatInt(int64(age/time.Second), 10))
}

func contentType(k upstream.Kind) string {
	switch k {
	case upstream.Zip:
		return "application/zip"
	case upstream.Info, upstream.Latest:
		return "application/json"
	case upstream.SumDBTile:
		return "application/octet-stream"
	}
	return "text/plain; charset=utf-8"
}

func (h *handler) cacheControl(req upstream.Request, resp *upstream.Response) string {
	switch {
	case req.Immutable():
		return "max-age=31536000, immutable"
	case resp.Stale != nil || h.opts.MaxAge < 0:
		return "no-cache"
	}
	// Age counts against max-age (RFC 9111, section 4.2.3), so this is the
	// whole lifetime.
	return "max-age=" + strconv.FormatInt(int64(h.opts.MaxAge/time.Second), 10)
}

// private keeps an answer that not everybody may have out of caches that
// callers share (RFC 9111, section 5.2.2.7).
func (h *handler) private(cacheControl string) string {
	if h.opts.Authorize == nil {
		return cacheControl
	}
	return "private, " + cacheControl
}

// cacheStatus says by RFC 9211 whether the answer was at hand, who gave it, and
// why it is an old one: its ttl is negative then, for a Breakwater before this one.
func cacheStatus(resp *upstream.Response) string {
	status := "breakwater; hit"
	if !resp.Cached {
		status = "breakwater; fwd=miss"
	}
	if resp.Stale == nil {
		return status + "; detail=" + quote(resp.Source)
	}
	// "no-cache" leaves it no lifetime, so that all of its age is beyond that.
	age := max(1, int64(time.Since(resp.Fetched)/time.Second))
	return fmt.Sprintf("%s; ttl=-%d; detail=%s", status, age, quote("stale: "+firstLine(resp.Stale.Error())))
}

// quote makes an sf-string (RFC 8941, section 3.3.3): printable ASCII only.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case ' ' <= r && r <= '~':
			b.WriteRune(r)
		default:
			b.WriteByte('?')
		}
	}
	b.WriteByte('"')
	return b.String()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// maxVia bounds the Via header that is passed on, in bytes: no honest way is
// longer, and sources refuse long headers.
const maxVia = 1024

// via returns the Via header for requests made on behalf of r: what r came with
// and this proxy.
func (h *handler) via(r *http.Request) string {
	hops := append(r.Header.Values("Via"), fmt.Sprintf("%d.%d %s", r.ProtoMajor, r.ProtoMinor, h.opts.ID))
	return strings.Join(hops, ", ")
}

// checkVia refuses a request that has gone too far, or round in a circle.
func (h *handler) checkVia(r *http.Request, req upstream.Request, via string) error {
	switch {
	case len(via) > maxVia:
		return &upstream.Error{Class: upstream.Denied, Request: req, Err: errLongWay}
	case passedThrough(r.Header.Values("Via"), h.opts.ID):
		return &upstream.Error{Class: upstream.Denied, Request: req, Err: errLoop}
	}
	return nil
}

// passedThrough reports whether id is a received-by in a Via header
// (RFC 9110, section 7.6.3).
func passedThrough(via []string, id string) bool {
	for _, value := range via {
		for hop := range strings.SplitSeq(value, ",") {
			if fields := strings.Fields(hop); len(fields) > 1 && fields[1] == id {
				return true
			}
		}
	}
	return false
}
