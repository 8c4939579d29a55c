package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"
)

// maxLine bounds a line that [Read] reads, in bytes. What [Log] writes is less
// than half of it.
const maxLine = 128 << 10

var errLongLine = fmt.Errorf("it is longer than %d KiB", maxLine>>10)

// Read returns the records that [Log] wrote to r by way of a
// [slog.NewJSONHandler], in the order of the lines. The logger may have had
// attributes of its own but no group, and the handler must not have replaced
// attributes. Other lines are passed over: JSON that is no record, and text.
//
// A line that may have been a record and cannot be read comes as an error that
// names the line; the next lines follow if the loop goes on. Such are a line of no
// valid JSON that begins with a brace or has "audit" in it, in quotation marks, as
// one that was cut when the disk was full; one with NUL bytes, as a file system
// may leave after a crash; and one of more than 128 KiB. Of a record of which no
// more is left than some of its end, nothing can be told. An error of r is the
// last. Read holds one line in memory.
func Read(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines := bufio.NewReaderSize(r, maxLine)
		for number := 1; ; number++ {
			line, more, err := nextLine(lines)
			var record Record
			found := false
			if err == nil {
				record, found, err = parse(line)
			}
			if err != nil {
				err = fmt.Errorf("reading an audit log: line %d: %w", number, err)
			}
			if (found || err != nil) && !yield(record, err) || !more {
				return
			}
		}
	}
}

// nextLine returns the next line, which is valid until the next call, and whether
// another may follow. Of one that is too long it passes over the rest.
func nextLine(lines *bufio.Reader) (line []byte, more bool, err error) {
	line, err = lines.ReadSlice('\n')
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = lines.ReadSlice('\n')
	}
	switch more = err == nil; {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, err
	case long:
		return nil, more, errLongLine
	}
	return line, more, nil
}

// logged is a [Record] as the log has it; its fields must stay those of Record.
type logged struct {
	Time     time.Time `json:"-"` // beside the group
	Caller   string    `json:"caller"`
	Module   string    `json:"module"`
	Version  string    `json:"version"`
	Kind     string    `json:"kind"`
	Status   int       `json:"status"`
	Decision string    `json:"decision"`
	Rule     string    `json:"rule"`
	Reason   string    `json:"reason"`
	Source   string    `json:"source"`
	Origin   string    `json:"origin"`
	Verified string    `json:"verified"`
	SHA256   string    `json:"sha256"`
	Size     int64     `json:"size"`
	Sent     int64     `json:"sent"`
}

var (
	groupKey    = []byte(`"` + Group + `"`)
	decisionKey = []byte(`"decision"`)
)

// parse reports whether line is a record, and if so which.
func parse(line []byte) (r Record, found bool, err error) {
	object, hasGroup := bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")), bytes.Contains(line, groupKey)
	if !object && !hasGroup && bytes.IndexByte(line, 0) < 0 {
		return Record{}, false, nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(line, &whole); err != nil {
		return Record{}, false, err
	}
	if !object || !hasGroup {
		return Record{}, false, nil
	}
	at, group := members(whole)
	if group == nil {
		return Record{}, false, nil
	}
	var record logged
	if err := json.Unmarshal(group, &record); err != nil {
		return Record{}, false, err
	}
	if at != nil {
		if err := json.Unmarshal(at, &record.Time); err != nil {
			return Record{}, false, err
		}
	}
	return Record(record), record.Decision != "", nil
}

// members returns the record in an object of valid JSON, nil if there is none, and
// its time. A logger's own attributes may have names like these: the handler's
// time comes before them, and other case is another name, as it is not to
// [json.Unmarshal].
func members(object []byte) (at, group json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, nil
		}
		switch {
		case name == slog.TimeKey && at == nil:
			at = value
		case name == Group && bytes.HasPrefix(value, []byte("{")) && bytes.Contains(value, decisionKey):
			group = value
		}
	}
	return at, group
}
