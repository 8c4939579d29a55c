package fetch

import (
	"cmp"
	"io"
	"net/http"
	"time"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
)

// Values of [audit.Record.Rule] for what the handler itself refuses.
const (
	byAuthorize = "authorize"
	byVia       = "via"
)

// auditRefusal tells of an error that was answered, if it is a denial. Whatever
// Authorize says in place of yes is one, also where it pretends that there is no
// such module.
func (h *handler) auditRefusal(r *http.Request, req upstream.Request, caller, rule string, err error) {
	e := upstream.AsError(err, req, "")
	if h.opts.Audit == nil || e.Class != upstream.Denied && rule != byAuthorize {
		return
	}
	record := newRecord(req, caller)
	record.Status, record.Decision = status(e), audit.Denied
	record.Rule, record.Reason, record.Source = rule, e.Reason(), e.Source
	if denied, ok := asPolicyError(e); ok {
		record.Rule, record.Reason = denied.Decision.Rule, denied.Decision.Reason
	}
	h.opts.Audit(r.Context(), record)
}

// auditAnswer tells of a file that was handed out, and of any answer in which a
// policy had a say.
func (h *handler) auditAnswer(r *http.Request, req upstream.Request, caller string, resp *upstream.Response, d *Decision, w *counted) {
	if d.Rule == "" && !(isDownload(r, req) && w.delivered()) {
		return
	}
	record := newRecord(req, caller)
	record.Status, record.Sent, record.Decision = w.answered(), w.sent, audit.Allowed
	if d.Denied {
		record.Decision = audit.WouldDeny
	}
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
}

func (c *counted) WriteHeader(code int) {
	c.status = code
	c.ResponseWriter.WriteHeader(code)
}

func (c *counted) Write(p []byte) (int, error) {
	c.status = c.answered()
	n, err := c.ResponseWriter.Write(p)
	c.sent += int64(n)
	return n, err
}

// ReadFrom leaves the copying to the server, which has the kernel do it where r
// is a file.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	c.status = c.answered()
	n, err := io.Copy(c.ResponseWriter, r)
	c.sent += n
	return n, err
}

// answered returns the status that the client sees: net/http sends 200 where
// nobody said anything.
func (c *counted) answered() int { return cmp.Or(c.status, http.StatusOK) }

// delivered reports whether the answer was the file, or part of it, or that the
// caller has it already.
func (c *counted) delivered() bool {
	switch c.answered() {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified:
		return true
	}
	return false
}
