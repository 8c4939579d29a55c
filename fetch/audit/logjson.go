package audit

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// LogJSON returns a func for the handler's Audit option that writes to w the lines
// that [Log] writes there by way of a [slog.JSONHandler] without options, which
// [Read] reads, for a fraction of what they cost that way. Each line is one call of
// Write, one after the other; the line has been written when the func returns.
//
// An error of w is passed over: w itself is the one to act on it, as a Writer of your
// own around a file. The func may be called by many goroutines at once.
func LogJSON(w io.Writer) func(context.Context, Record) {
	l := &jsonLog{w: w}
	l.lines.New = func() any { return new([]byte) }
	return func(_ context.Context, r Record) { l.log(&r) }
}

type jsonLog struct {
	lines sync.Pool // of *[]byte

	mu sync.Mutex // for w alone, of which nobody says that it takes two lines at once
	w  io.Writer
}

func (l *jsonLog) log(r *Record) {
	line := l.lines.Get().(*[]byte)
	defer l.lines.Put(line)
	*line = appendRecord((*line)[:0], r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.Write(*line) // who is told of errors is w
}

// appendRecord appends the line of r. A record without a time has none, as in slog.
func appendRecord(b []byte, r *Record) []byte {
	level, msg := heading(r)
	b = append(b, '{')
	if !r.Time.IsZero() {
		b = append(b, `"time":"`...)
		b = r.Time.AppendFormat(b, time.RFC3339Nano)
		b = append(b, `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(b, level.String()...)
	b = append(b, `","msg":"`...)
	b = append(b, msg...)
	b = append(b, '"')
	return append(appendGroup(b, r), "}\n"...)
}

// appendGroup appends a record's attributes, or nothing if it has none.
func appendGroup(b []byte, r *Record) []byte {
	const begin = `,"` + Group + `":`
	before, separator := len(b), byte('{')
	b = append(b, begin...)
	name := func(name string) {
		b = append(b, separator, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		separator = ','
	}
	r.each(
		func(of, value string) { name(of); b = appendString(b, value) },
		func(of string, value int64) { name(of); b = strconv.AppendInt(b, value, 10) },
	)
	if separator == '{' {
		return b[:before]
	}
	return append(b, '}')
}

// appendString appends a printable text in quotation marks. Of that, JSON has no
// more than these two escaped (RFC 8259, section 7).
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\\') >= 0 {
		s = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
	}
	return append(append(b, s...), '"')
}
