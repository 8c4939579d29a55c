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
// logger's handler takes. [LogJSON] does the same for less where there is no
// handler but one for JSON.
func Log(l *slog.Logger) func(context.Context, Record) {
	return func(ctx context.Context, r Record) {
		handler := cmp.Or(l, slog.Default()).Handler()
		level, msg := heading(&r)
		if !handler.Enabled(ctx, level) {
			return
		}
		line := slog.NewRecord(r.Time, level, msg, 0)
		line.AddAttrs(slog.GroupAttrs(Group, attributes(&r)...))
		handler.Handle(ctx, line) // it has nobody to tell: see the package's documentation
	}
}

// heading returns a line's level and message.
func heading(r *Record) (slog.Level, string) {
	switch r.Decision {
	case Allowed:
		return slog.LevelInfo, msgDownload
	case Denied:
		return slog.LevelWarn, msgDenied
	}
	return slog.LevelWarn, msgDownload
}

func attributes(r *Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, 14)
	r.each(
		func(name, value string) { attrs = append(attrs, slog.String(name, value)) },
		func(name string, value int64) { attrs = append(attrs, slog.Int64(name, value)) },
	)
	return attrs
}

// each goes through what a line says of r, in the order in which it does. The texts
// are fit for a log.
func (r *Record) each(text func(name, value string), number func(name string, value int64)) {
	texts := func(name, value string) {
		if value = printable(value); value != "" {
			text(name, value)
		}
	}
	numbers := func(name string, value int64) {
		if value != 0 {
			number(name, value)
		}
	}
	texts("decision", r.Decision)
	texts("caller", r.Caller)
	texts("module", r.Module)
	texts("version", r.Version)
	texts("kind", r.Kind)
	numbers("status", int64(r.Status))
	texts("rule", r.Rule)
	texts("reason", r.Reason)
	texts("source", r.Source)
	texts("origin", r.Origin)
	texts("verified", r.Verified)
	texts("sha256", r.SHA256)
	numbers("size", r.Size)
	numbers("sent", r.Sent)
}

// maxText bounds an attribute, in bytes. A request's path has no more, so that a
// module path is never cut.
const maxText = 2048

// printable makes s fit for one line of a log. It is cut once more in the end,
// because what replaces a stray byte is longer.
func printable(s string) string {
	if len(s) <= maxText && isPlain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, shorten(s))
	return shorten(s)
}

// isPlain reports whether s is printable ASCII, as nearly all is.
func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || '~' < c {
			return false
		}
	}
	return true
}

func shorten(s string) string {
	const cut = "..."
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText-len(cut)], "") + cut
}
