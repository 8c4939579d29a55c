package fetch

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// ReadinessOptions configures [NewReadinessHandler]. A nil *ReadinessOptions and zero
// fields mean the defaults.
type ReadinessOptions struct {
	// Require is what must be there for the Client to be ready. What the configuration
	// does without is not missed. Default: [CanServe] alone, for a proxy whose sources
	// are down still serves what it has, and all replicas, which have the same sources,
	// would be taken out of rotation together.
	Require Abilities

	// StoreTimeout is how long the store may take for a look-up. Default, also for
	// what is not positive: 2 s, less than what those who ask for readiness wait.
	StoreTimeout time.Duration
}

// A ReadinessHandler answers whether a [Client] can do what is required of it.
type ReadinessHandler struct {
	client  *Client
	require Abilities
	store   storeCheck
}

// NewReadinessHandler returns a handler for those who decide whether requests are
// sent here: status 200 if the Client is ready and else 503, with its [Health] as
// JSON, whose names stay from release to release. A Client that was closed is not
// ready.
//
//	mux.Handle("GET /healthz", fetch.LivenessHandler())
//	mux.Handle("GET /readyz", fetch.NewReadinessHandler(client, nil))
//
// No source is asked. The store is, for a key that it does not have, at most once a
// second however many ask, and one look-up at a time: one that hangs is waited for up
// to StoreTimeout from its begin, and by [Client.Close] for as long as it takes.
func NewReadinessHandler(c *Client, opts *ReadinessOptions) *ReadinessHandler {
	if c == nil {
		panic("fetch: NewReadinessHandler: the Client is nil")
	}
	var o ReadinessOptions
	if opts != nil {
		o = *opts
	}
	if o.Require == 0 {
		o.Require = CanServe
	}
	if o.StoreTimeout <= 0 {
		o.StoreTimeout = 2 * time.Second
	}
	return &ReadinessHandler{client: c, require: o.Require, store: storeCheck{client: c, limit: o.StoreTimeout}}
}

// Health returns what the Client can do at present, for those who do not ask by HTTP.
// It waits for the store, for no longer than StoreTimeout or until ctx ends; of a
// store that is not waited for it says that it does not serve. It may be called by
// many goroutines at once, and the caller owns the result.
func (h *ReadinessHandler) Health(ctx context.Context) *Health {
	serve := h.store.ability(ctx)
	if h.client.closing.Load() {
		return closedHealth()
	}
	health := h.client.core.Load().health()
	health.Serve = serve
	health.Ready = health.has()&h.require == h.require
	return health
}

// ServeHTTP answers GET and HEAD.
func (h *ReadinessHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isRead(w, r) {
		return
	}
	health := h.Health(r.Context())
	status := http.StatusOK
	if !health.Ready {
		status = http.StatusServiceUnavailable
	}
	body, err := json.MarshalIndent(health, "", "  ")
	if err != nil { // a time of beyond the year 9999
		status, body = http.StatusInternalServerError, []byte(`{"ready": false}`)
	}
	answerCheck(w, r, status, "application/json", string(body)+"\n")
}

// LivenessHandler returns a handler for those who start the program anew when it does
// not answer any more: it answers "ok". It asks for nothing that starting anew would
// not mend; see [NewReadinessHandler] for that.
func LivenessHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isRead(w, r) {
			answerCheck(w, r, http.StatusOK, "text/plain; charset=utf-8", "ok\n")
		}
	})
}

// isRead reports whether r only reads, and else answers it.
func isRead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	methodNotAllowed(w)
	return false
}

func answerCheck(w http.ResponseWriter, r *http.Request, status int, contentType, body string) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, body)
	}
}
