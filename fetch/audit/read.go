package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// maxLine bounds a line that [Read] reads, in bytes. What [Log] writes is less
// than half of it.
const maxLine = 128 << 10

var errLongLine = fmt.Errorf("it is longer than %d KiB", maxLine>>10)

// Read returns the records that [Log] wrote to r by way of a
// [slog.NewJSONHandler], in the order of the lines. The logger may have had
// attributes of its own but no group, and the handler must not have replaced
// attributes. Lines that are no audit records, whatever they are, are passed over.
//
// A line that looks like a record and cannot be read, as one that was cut when
// the disk was full, and a line of more than 128 KiB come as errors that name the
// line; the next lines follow if the loop goes on. An error of r is the last.
// Read holds one line in memory.
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
	if !bytes.HasPrefix(line, []byte("{")) || !bytes.Contains(line, groupKey) {
		return Record{}, false, nil
	}
	var entry struct {
		Time  json.RawMessage `json:"time"`
		Audit json.RawMessage `json:"audit"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return Record{}, false, err
	}
	if !bytes.HasPrefix(entry.Audit, []byte("{")) || !bytes.Contains(entry.Audit, decisionKey) {
		return Record{}, false, nil // another's attribute of that name
	}
	var record logged
	if err := json.Unmarshal(entry.Audit, &record); err != nil {
		return Record{}, false, err
	}
	if entry.Time != nil {
		if err := json.Unmarshal(entry.Time, &record.Time); err != nil {
			return Record{}, false, err
		}
	}
	return Record(record), record.Decision != "", nil
}
