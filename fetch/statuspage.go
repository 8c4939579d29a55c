package fetch

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StatusOptions configures [NewStatusHandler]. A nil *StatusOptions and zero fields
// mean the defaults.
type StatusOptions struct {
	// Title is what the page calls the service, for who has more than one.
	// Default: "Breakwater".
	Title string

	// Diagnose lets whoever sees the page have a [Client.Diagnose] made, by a button
	// (a POST, which another site cannot make for them). Each makes requests to all
	// sources; there is at most one at a time and one each 10 s, whoever asks, and all
	// see the latest for 10 minutes. Default: there is no button.
	Diagnose bool
}

// A StatusHandler is the page that [NewStatusHandler] returns. Its methods may be
// called by many goroutines at once.
type StatusHandler struct {
	client      *Client
	opts        StatusOptions
	journal     *journal
	stop        func()
	fileSystems fileSystemAsker
	diagnoses   diagnoses
	cross       *http.CrossOriginProtection
}

// NewStatusHandler returns a page that says how c fares: one sentence first, then its
// sources, the last hour, what failed and why, the cache, and the configuration without its
// secrets. It needs nothing from elsewhere, renews itself every 5 s, and says the same
// without JavaScript. The program that asks for application/json, or for
// ?format=json, gets a [StatusReport].
//
// The record of the last hour begins now: the handler observes c until it is closed,
// in less than 4 MiB. That costs a hit about 0.2 microseconds, where the whole of one over
// HTTP takes 15 or more.
//
// The page is for who runs the service, and names private modules: mount it behind your own
// access control. It may be mounted anywhere, and answers each path it is given.
func NewStatusHandler(c *Client, opts *StatusOptions) *StatusHandler {
	h := &StatusHandler{client: c, journal: newJournal(c.ownerOf, c.partOf), cross: http.NewCrossOriginProtection()}
	if opts != nil {
		h.opts = *opts
	}
	if h.opts.Title == "" {
		h.opts.Title = "Breakwater"
	}
	h.stop = c.Observe(h.journal.trace())
	return h
}

// Close ends the record; the page goes on to show what is known. The error is always
// nil; closing again does nothing.
func (h *StatusHandler) Close() error {
	h.stop()
	return nil
}

// ServeHTTP answers GET and HEAD; POST too, with Diagnose in the options.
func (h *StatusHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setStatusHeaders(w.Header())
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		h.show(w, r)
	case r.Method == http.MethodPost && h.opts.Diagnose:
		h.diagnose(w, r)
	default:
		allow := "GET, HEAD"
		if h.opts.Diagnose {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		http.Error(w, "the status page can only be read", http.StatusMethodNotAllowed)
	}
}

// setStatusHeaders says that nothing from elsewhere belongs to the page, and the page
// to nobody else. Scripts and styles are known by their hashes.
func setStatusHeaders(h http.Header) {
	h.Set("Content-Security-Policy", statusPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Add("Vary", "Accept")
}

func (h *StatusHandler) show(w http.ResponseWriter, r *http.Request) {
	report := h.Report()
	var body bytes.Buffer
	var err error
	kind := "text/html; charset=utf-8"
	if wantsJSON(r) {
		kind = "application/json"
		enc := json.NewEncoder(&body)
		enc.SetIndent("", "\t")
		err = enc.Encode(report)
	} else {
		err = statusTemplate.Execute(&body, newStatusView(report, h.opts))
	}
	if err != nil {
		http.Error(w, "the status page could not be made", http.StatusInternalServerError)
		h.client.core.Load().log.Error("the status page could not be made", "error", err)
		return
	}
	w.Header().Set("Content-Type", kind)
	if r.Method != http.MethodHead {
		w.Write(body.Bytes()) // whose error is that the reader has gone
	}
}

// wantsJSON reports whether JSON is named as wanted, and HTML is not.
func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "json"
	}
	json := false
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, _ := mime.ParseMediaType(part)
		if weight, err := strconv.ParseFloat(params["q"], 64); err == nil && weight == 0 {
			continue // it is not wanted (RFC 9110, section 12.4.2)
		}
		switch kind {
		case "text/html":
			return false
		case "application/json":
			json = true
		}
	}
	return json
}

// diagnose has a diagnosis made and leads back to the page, from which a reload does
// not ask again.
func (h *StatusHandler) diagnose(w http.ResponseWriter, r *http.Request) {
	if err := h.cross.Check(r); err != nil {
		http.Error(w, "another site may not ask for a diagnosis", http.StatusForbidden)
		return
	}
	if err := h.diagnoses.ask(r.Context(), time.Now(), h.client); err != nil {
		return // the reader has gone
	}
	w.Header().Set("Location", "?#diagnosis") // wherever the page is mounted
	w.WriteHeader(http.StatusSeeOther)
}
