package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// newLog returns a logger in one of the formats of the flags.
func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// A voice says to who has started the program what becomes of it: in lines for
// people, or where the log is JSON as a part of that, so that all of it is.
type voice struct {
	w   io.Writer
	log *slog.Logger // nil: lines for people
}

func (c config) newVoice(stderr io.Writer, log *slog.Logger) voice {
	if c.logFormat == "json" {
		return voice{stderr, log}
	}
	return voice{stderr, nil}
}

func (v voice) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if v.log != nil {
		v.log.Info(text)
		return
	}
	fmt.Fprintf(v.w, "breakwater: %s\n", text)
}

// fail says why the program ends.
func (v voice) fail(err error) {
	if v.log != nil {
		v.log.Error(oneLine(err))
		return
	}
	v.say("%s", oneLine(err))
}

// An accessFunc is told of each request of the protocol.
type accessFunc func(context.Context, fetch.Access)

// newAccessLog returns the access log; nil if there is none. Its level is not that of
// the log: who asks for it wants it.
func (c config) newAccessLog(stdout io.Writer, log *slog.Logger) *accessLog {
	if c.accessLog == "" {
		return nil
	}
	out := newOverflow(stdout, log)
	return &accessLog{fetch.NewAccessLog(newLog(out, c.accessLog, slog.LevelInfo)), out}
}

// An accessLog is written to standard output while requests go on.
type accessLog struct {
	lines *fetch.AccessLog
	out   *overflow
}

// access returns what is told of requests; nil if nobody wants to know.
func (l *accessLog) access() accessFunc {
	if l == nil {
		return nil
	}
	return l.lines.Access
}

// close writes the rest, unless who reads standard output has stopped to.
func (l *accessLog) close() error {
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), restLimit)
	defer cancel()
	if err := l.lines.Close(ctx); err != nil {
		return err
	}
	return l.out.close(ctx)
}

// restLimit is how long the rest of the access log may take at the end.
const restLimit = 5 * time.Second

// join returns a func that tells those of both that are there.
func (f accessFunc) join(other accessFunc) accessFunc {
	if f == nil || other == nil {
		if f == nil {
			return other
		}
		return f
	}
	return func(ctx context.Context, a fetch.Access) {
		f(ctx, a)
		other(ctx, a)
	}
}
