package audit

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"unicode"
)

// Group is the name of the group that [Log] puts a record's attributes in.
const Group = "audit"

// Messages that [Log] writes.
const (
	msgDownload = "download"
	msgDenied   = "denied"
)

// Log returns a func for the handler's Audit option that writes each record to l,
// in one line with the record's time. Its message is "denied", or for all else
// "download", whatever the status; its level Info, or Warn for what is denied or
// would be. A nil l is
// [slog.Default] at the time of each call.
//
// The attributes are in a group named "audit": "decision", "caller", "module",
// "version", "kind", "status", "rule", "reason", "source", "origin", "verified",
// "sha256", "size" and "sent", spelled and meant as the fields of [Record]. They
// do not change from release to release; others may be added. Empty ones are left
// out. What strangers had a say in is cut to 2 KiB, and has nothing in it that
// plays tricks with a terminal.
//
// The func may be called by many goroutines at once, and takes as long as the
// logger's handler takes.
func Log(l *slog.Logger) func(context.Context, Record) {
	return func(ctx context.Context, r Record) {
		handler := cmp.Or(l, slog.Default()).Handler()
		level, msg := slog.LevelInfo, msgDownload
		if r.Decision != Allowed {
			level = slog.LevelWarn
		}
		if r.Decision == Denied {
			msg = msgDenied
		}
		if !handler.Enabled(ctx, level) {
			return
		}
		line := slog.NewRecord(r.Time, level, msg, 0)
		line.AddAttrs(slog.GroupAttrs(Group, attributes(r)...))
		handler.Handle(ctx, line) // it has nobody to tell: see the package's documentation
	}
}

func attributes(r Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, 14)
	text := func(name, value string) {
		if value = printable(value); value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	number := func(name string, value int64) {
		if value != 0 {
			attrs = append(attrs, slog.Int64(name, value))
		}
	}
	text("decision", r.Decision)
	text("caller", r.Caller)
	text("module", r.Module)
	text("version", r.Version)
	text("kind", r.Kind)
	number("status", int64(r.Status))
	text("rule", r.Rule)
	text("reason", r.Reason)
	text("source", r.Source)
	text("origin", r.Origin)
	text("verified", r.Verified)
	text("sha256", r.SHA256)
	number("size", r.Size)
	number("sent", r.Sent)
	return attrs
}

// maxText bounds an attribute, in bytes. A request's path has no more, so that a
// module path is never cut.
const maxText = 2048

// printable makes s fit for one line of a log. It is cut once more in the end,
// because what replaces a stray byte is longer.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, shorten(s))
	return shorten(s)
}

func shorten(s string) string {
	const cut = "..."
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText-len(cut)], "") + cut
}
