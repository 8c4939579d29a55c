package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A run asks the methods about one URL, for all who wait for it. It goes on
// when the one who began it leaves, and ends early when nobody is left.
type run struct {
	cancel  context.CancelFunc
	done    chan struct{}
	waiting int // under the list's mutex
}

// consult returns the run about u's host to wait for, which it begins if none
// is under way, or nil and the outcome that holds for u. Who gets a run must wait
// for it.
func (l *list) consult(ctx context.Context, u *url.URL, sent http.Header, refusal *http.Response, known bool) (*run, outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.host(u)
	h.refused = h.refused || refusal.StatusCode != http.StatusNotFound
	if o := l.asked[subject(u)]; o.holds() {
		return nil, o
	}
	if o, quiet := h.quiet(refusal.StatusCode, known); quiet {
		return nil, o
	}
	if h.running == nil {
		h.running = l.begin(ctx, h, u, sent, refusal)
	}
	h.running.waiting++
	return h.running, outcome{}
}

func (l *list) host(u *url.URL) *host {
	name := strings.ToLower(u.Host)
	h, ok := l.hosts[name]
	if ok {
		return h
	}
	if len(l.hosts) >= maxAsked {
		clear(l.hosts) // a run under way still ends in its own
	}
	h = newHost()
	l.hosts[name] = h
	return h
}

func (l *list) begin(ctx context.Context, h *host, u *url.URL, sent http.Header, refusal *http.Response) *run {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &run{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		defer cancel()
		errs := l.ask(ctx, u, refusal)
		fields, _ := l.Header(ctx, u)
		l.end(ctx, h, u, refusal, isBetter(fields, sent), errs)
	}()
	return r
}

// end remembers what came of a run, unless it was ended early.
func (l *list) end(ctx context.Context, h *host, u *url.URL, refusal *http.Response, gave bool, errs []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h.running = nil
	if ctx.Err() != nil {
		return
	}
	o := outcome{time.Now(), errs}
	h.count(refusal.StatusCode, gave, o)
	if len(l.asked) >= maxAsked {
		clear(l.asked)
	}
	l.asked[subject(u)] = o
}

// wait waits for the end of a run, or until ctx ends. The last to leave stays
// until the run, which is killed, has ended.
func (l *list) wait(ctx context.Context, r *run) error {
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	r.waiting--
	last := r.waiting == 0
	l.mu.Unlock()
	if last {
		r.cancel()
		<-r.done
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
