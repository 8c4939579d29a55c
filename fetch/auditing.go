package fetch

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
)

// Values of [audit.Record.Rule] for what the handler itself refuses.
const (
	byAuthorize = "authorize"
	byVia       = "via"
)

// listen returns a context in which policies note what they decide, if there is
// somebody to tell. What those beneath a Client decide is about what the Client
// asks, for many callers at once or for none.
func (h *handler) listen(ctx context.Context) (context.Context, *note) {
	if _, ok := h.fetcher.(*Client); ok || h.opts.Audit == nil {
		return ctx, nil
	}
	return withNote(ctx)
}

// auditRefusal tells of an error that was answered, if it is a denial, or a
// policy had a say in what was asked for. Whatever Authorize says in place of yes
// is a denial, also where it pretends that there is no such module.
//
// Of an answer that had begun, and broke off for that error, there is always a record:
// what has left the house cannot be taken back.
func (x *exchange) auditRefusal(r *http.Request, req upstream.Request, caller, rule string, err error, d Decision) {
	if x.opts.Audit == nil {
		return
	}
	e := upstream.AsError(err, req, "")
	record := newRecord(req, caller)
	record.Status, record.Source = status(e), e.Source
	begun := x.relay.hasBegun()
	if begun {
		record.Status, record.Sent, record.Source = x.counted.answered(), x.counted.sent, x.relay.source
		record.Origin, record.Size = x.relay.source, x.relay.announced
	}
	denial, byPolicy := asPolicyError(e)
	// A policy that was kept from knowing because the caller went away has not
	// decided anything.
	undecided := e.Class != upstream.Denied && r.Context().Err() != nil
	switch {
	case byPolicy && !undecided:
		record.Decision, record.Rule, record.Reason = audit.Denied, denial.Decision.Rule, denial.Decision.Reason
	case e.Class == upstream.Denied || rule == byAuthorize:
		record.Decision, record.Rule, record.Reason = audit.Denied, rule, e.Reason()
	case d.Rule != "" || begun:
		record.Decision, record.Rule, record.Reason = heard(d), d.Rule, d.Reason
	default:
		return
	}
	x.opts.Audit(r.Context(), record)
}

// heard returns what a record says of a decision that is not the answer.
func heard(d Decision) string {
	if d.Denied {
		return audit.WouldDeny
	}
	return audit.Allowed
}

// auditAnswer tells of a file that was handed out, and of any answer in which a
// policy had a say.
func (h *handler) auditAnswer(r *http.Request, req upstream.Request, caller string, resp *upstream.Response, d Decision, w *counted) {
	if d.Rule == "" && !(isDownload(r, req) && w.delivered()) {
		return
	}
	record := newRecord(req, caller)
	record.Status, record.Sent, record.Decision = w.answered(), w.sent, heard(d)
	record.Rule, record.Reason = d.Rule, d.Reason
	record.Source, record.Origin = resp.Source, cmp.Or(resp.Origin, resp.Source)
	record.Verified, record.SHA256, record.Size = resp.Verified, resp.Digest, max(0, resp.Size)
	h.opts.Audit(r.Context(), record)
}

func isDownload(r *http.Request, req upstream.Request) bool {
	return r.Method == http.MethodGet && (req.Kind() == upstream.Mod || req.Kind() == upstream.Zip)
}

func newRecord(req upstream.Request, caller string) audit.Record {
	return audit.Record{
		Time: time.Now(), Caller: caller,
		Module: req.Module(), Version: req.Version(), Kind: req.Kind().String(),
	}
}

// counted notes what a response turned out to be.
type counted struct {
	http.ResponseWriter
	status int
	sent   int64
	length string // the Content-Length that the answer began with
	err    error  // the first that was met at writing, or at reading what was to be written
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counted) WriteHeader(code int) {
	c.begin(code)
	c.ResponseWriter.WriteHeader(code)
}

func (c *counted) Write(p []byte) (int, error) {
	c.begin(http.StatusOK)
	n, err := c.ResponseWriter.Write(p)
	c.wrote(int64(n), err)
	return n, err
}

// ReadFrom leaves the copying of a file to [copier], and to the server, which has the
// kernel do it.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	c.begin(http.StatusOK)
	n, err := bodies.copy(c.ResponseWriter, r)
	c.wrote(n, err)
	return n, err
}

// begin notes how the answer begins. What is in the header later is not looked at: who
// compresses the answer on its way out may change it.
func (c *counted) begin(code int) {
	if c.status == 0 {
		c.status, c.length = code, c.Header().Get("Content-Length")
	}
}

func (c *counted) wrote(n int64, err error) {
	c.sent += n
	if c.err == nil {
		c.err = err
	}
}

// brokeOff reports whether the answer is not whole, as far as that can be seen here.
func (c *counted) brokeOff(method string) bool {
	file := c.status == http.StatusOK || c.status == http.StatusPartialContent
	if c.err != nil || method == http.MethodHead || !file {
		return c.err != nil
	}
	promised, err := strconv.ParseInt(c.length, 10, 64)
	return err == nil && c.sent < promised
}

// answered returns the status that the client sees: net/http sends 200 where
// nobody said anything.
func (c *counted) answered() int { return cmp.Or(c.status, http.StatusOK) }

// delivered reports whether the answer was the file, or part of it, or that the
// caller has it already. One that broke off counts, however little of it was sent:
// what has left the house cannot be taken back, and Sent says how much that was.
func (c *counted) delivered() bool {
	switch c.answered() {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified:
		return true
	}
	return false
}
