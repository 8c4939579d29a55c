package fetch

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// An Access is one request that a handler has answered (see [HandlerOptions]).
type Access struct {
	Time   time.Time     // when the request came
	Took   time.Duration // until the answer was written, or broke off
	Caller string        // IP address of the other end of the connection, or what the certificate that it showed names
	Agent  string        // its User-Agent, of which more than 256 bytes are cut off

	Method  string           // as it was sent
	Path    string           // as it was asked for, without query; more than 1 KiB is cut off
	Request upstream.Request // zero if the protocol has no such path

	// Status is what the answer began with; 0 if the handler panicked before there was one.
	Status int
	Sent   int64 // bytes of the body that the connection took

	// Broken is whether the answer is not whole, because what was to be sent could not
	// be read, the client went away, or something panicked. Of a small answer it cannot
	// be known whether the client was still there.
	Broken bool

	// Outcome is as in [RequestEnd]; Failed, with an Err, if something panicked before
	// it was known.
	Outcome Outcome
	Source  string // who answered; empty without an answer
	Err     error  // what was answered in place of a file; nil if there was one
}

// What is kept of what a client sends, in bytes: it may send a megabyte of each.
const (
	maxAccessPath   = 1 << 10
	maxAccessAgent  = 256
	maxAccessMethod = 32
)

// LogAccess returns an Access func (see [HandlerOptions]) that writes one line for
// each request, at level Info, with the time of its answer. What it is written as is
// the logger's business: a [slog.JSONHandler] makes JSON of it. The request waits until
// the line is written; with an [AccessLog] it does not. A nil log is [slog.Default].
func LogAccess(log *slog.Logger) func(context.Context, Access) {
	if log == nil {
		log = slog.Default()
	}
	handler := log.Handler()
	return func(ctx context.Context, a Access) {
		if !handler.Enabled(ctx, slog.LevelInfo) {
			return
		}
		line := slog.NewRecord(a.Time.Add(a.Took), slog.LevelInfo, "access", 0) // no place in a source file: it is always the same
		line.AddAttrs(
			slog.String("method", a.Method), slog.String("path", a.Path), slog.Int("status", a.Status),
			slog.Int64("bytes", a.Sent), slog.Float64("seconds", a.Took.Seconds()), slog.String("outcome", a.Outcome.String()),
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
		Time: x.begun, Caller: peer(x.r), Agent: shorten(x.r.UserAgent(), maxAccessAgent),
		Method: shorten(x.r.Method, maxAccessMethod), Path: shorten(x.r.URL.Path, maxAccessPath),
		Outcome: Failed, Err: errBroken, // until more is known
	}}
	x.counted = &x.account.counted
	x.w = x.counted
}

// count returns what counts the answer from now on.
func (x *exchange) count() *counted {
	if x.counted == nil {
		x.counted = &counted{ResponseWriter: x.w}
		x.w = x.counted
	}
	return x.counted
}

// closeAccount tells of the exchange, also when the answer breaks off by a panic.
func (x *exchange) closeAccount() {
	a := &x.account.access
	a.Took = time.Since(x.begun)
	a.Request, a.Sent, a.Broken = x.req, x.account.sent, !x.whole || x.account.err != nil
	a.Status = x.account.status
	if x.whole {
		a.Status = x.account.answered()
	}
	x.opts.Access(x.r.Context(), *a)
}

// note notes what the answer is.
func (x *exchange) note(resp *upstream.Response, err error) {
	if x.account == nil {
		return
	}
	a := &x.account.access
	a.Err, a.Outcome = err, outcomeIn(x.r.Context(), resp, err)
	if err == nil {
		a.Source = resp.Source
	}
}

// logFailure writes the line of a request that failed, with the whole story. Its
// level says who must act: Error that bytes are not what they must be, Warn that
// something could not be had, Info that somebody may not have it, and Debug what is
// every day's business, absence and callers that have gone.
func (x *exchange) logFailure(e *upstream.Error) {
	level := failureLevel(outcomeIn(x.r.Context(), nil, e), e)
	if !x.opts.Logger.Enabled(x.r.Context(), level) {
		return
	}
	code := status(e)
	if x.relay.hasBegun() {
		code = http.StatusOK
	}
	attrs := []slog.Attr{
		slog.String("path", shorten(x.r.URL.Path, maxAccessPath)), slog.Int("status", code), slog.String("class", e.Class.String()),
		slog.Float64("seconds", time.Since(x.begun).Seconds()), slog.String("error", e.Reason()),
	}
	if len(e.Story) > 0 {
		attrs = append(attrs, slog.Any("tried", storyLines(e.Story)))
	}
	if x.relay.hasBegun() {
		attrs = append(attrs, slog.Bool("broken", true))
	}
	if e.Remembered {
		attrs = append(attrs, slog.Bool("remembered", true))
	}
	x.opts.Logger.LogAttrs(x.r.Context(), level, "request failed", attrs...)
}

func failureLevel(o Outcome, e *upstream.Error) slog.Level {
	switch o {
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

// storyLines returns a line for each attempt; those of a source that came to the same
// are one, which is the latest of them.
func storyLines(story []upstream.Attempt) []string {
	type fate struct {
		source, reason string
		outpaced       bool
	}
	var order []fate
	latest, times := map[fate]upstream.Attempt{}, map[fate]int{}
	for _, a := range story {
		f := fate{source: a.Source, outpaced: a.Outpaced}
		if a.Err != nil {
			same := *a.Err
			same.RetryAfter = 0
			f.reason = same.Reason()
		}
		if times[f]++; times[f] == 1 {
			order = append(order, f)
		}
		latest[f] = a
	}
	lines := make([]string, len(order))
	for i, f := range order {
		lines[i] = latest[f].String()
		if times[f] > 1 {
			lines[i] += fmt.Sprintf(" (%d times)", times[f])
		}
	}
	return lines
}

// JoinAccess returns an Access func (see [HandlerOptions]) that tells each of the given
// ones, in their order; those that are nil are passed over.
func JoinAccess(told ...func(context.Context, Access)) func(context.Context, Access) {
	told = slices.DeleteFunc(slices.Clone(told), func(f func(context.Context, Access)) bool { return f == nil })
	return func(ctx context.Context, a Access) {
		for _, f := range told {
			f(ctx, a)
		}
	}
}
