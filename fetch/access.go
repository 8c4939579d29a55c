package fetch

import (
	"context"
	"log/slog"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// An Access is one request that a handler has answered (see [HandlerOptions]).
type Access struct {
	Time   time.Time     // when the request came
	Took   time.Duration // until the answer was written, or broke off
	Caller string        // IP address of the other end of the connection, or what the certificate that it showed names
	Agent  string        // its User-Agent

	Method  string
	Path    string           // as it was asked for, without query
	Request upstream.Request // zero if the protocol has no such path

	Status int
	Sent   int64 // bytes of the body that were written
	Broken bool  // the connection was cut, so that the answer does not look whole

	Outcome Outcome
	Source  string // who answered; empty without an answer
	Err     error  // what was answered in place of a file; nil if there was one
}

// LogAccess returns an Access func (see [HandlerOptions]) that writes one line for
// each request, at level Info, with the time of its answer. What it is written as is
// the logger's business: a [slog.JSONHandler] makes JSON of it. The request waits until
// the line is written; with an [AccessLog] it does not.
func LogAccess(log *slog.Logger) func(context.Context, Access) {
	handler := log.Handler()
	return func(ctx context.Context, a Access) {
		if !handler.Enabled(ctx, slog.LevelInfo) {
			return
		}
		line := slog.NewRecord(a.Time.Add(a.Took), slog.LevelInfo, "access", 0) // no place in a source file: it is always the same
		line.AddAttrs(
			slog.String("method", a.Method), slog.String("path", a.Path), slog.Int("status", a.Status),
			slog.Int64("bytes", a.Sent), slog.Duration("took", a.Took), slog.String("outcome", a.Outcome.String()),
			slog.String("caller", a.Caller), slog.String("agent", a.Agent),
		)
		if a.Source != "" {
			line.AddAttrs(slog.String("source", a.Source))
		}
		if a.Broken {
			line.AddAttrs(slog.Bool("broken", true))
		}
		handler.Handle(ctx, line) // it has nobody to tell that it failed
	}
}

// An account is what is noted of an exchange for Access. A nil one notes nothing.
type account struct {
	counted
	access Access
}

func (x *exchange) openAccount() {
	x.account = &account{counted{ResponseWriter: x.w}, Access{
		Time: x.begun, Caller: peer(x.r), Agent: x.r.UserAgent(), Method: x.r.Method, Path: x.r.URL.Path,
	}}
	x.w = &x.account.counted
}

// count returns what counts the answer from now on.
func (x *exchange) count() *counted {
	if x.account != nil {
		return &x.account.counted
	}
	c := &counted{ResponseWriter: x.w}
	x.w = c
	return c
}

// closeAccount tells of the exchange, also when the answer breaks off by a panic.
func (x *exchange) closeAccount() {
	a := &x.account.access
	a.Took = time.Since(x.begun)
	a.Status, a.Sent, a.Broken = x.account.answered(), x.account.sent, !x.whole
	x.opts.Access(x.r.Context(), *a)
}

// note notes what the answer is.
func (a *account) note(req upstream.Request, resp *upstream.Response, err error) {
	if a == nil {
		return
	}
	a.access.Request, a.access.Err, a.access.Outcome = req, err, OutcomeOf(resp, err)
	if err == nil {
		a.access.Source = resp.Source
	}
}

// logFailure writes the line of a request that failed, with the whole story. Its
// level says who must act: Error that bytes are not what they must be, Warn that
// something could not be had, Info that somebody may not have it, and Debug what is
// every day's business, absence and callers that have gone.
func (x *exchange) logFailure(e *upstream.Error) {
	level := failureLevel(e)
	if !x.opts.Logger.Enabled(x.r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("path", x.r.URL.Path), slog.Int("status", status(e)), slog.String("class", e.Class.String()),
		slog.Duration("took", time.Since(x.begun)), slog.String("error", e.Reason()),
	}
	if len(e.Story) > 0 {
		attrs = append(attrs, slog.Any("tried", storyLines(e.Story)))
	}
	if e.Remembered {
		attrs = append(attrs, slog.Bool("remembered", true))
	}
	x.opts.Logger.LogAttrs(x.r.Context(), level, "request failed", attrs...)
}

func failureLevel(e *upstream.Error) slog.Level {
	switch outcomeOfError(e) {
	case Failed:
		if e.Class == upstream.Untrusted {
			return slog.LevelError
		}
		return slog.LevelWarn
	case Denied, Offline:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// storyLines returns a line for each attempt.
func storyLines(story []upstream.Attempt) []string {
	lines := make([]string, len(story))
	for i, a := range story {
		lines[i] = a.String()
	}
	return lines
}
