package cache

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
	"unicode/utf8"
)

// A record is what a disk store keeps beside content, as a small JSON file. It
// names the file that it describes by size and time of change; the digest says
// what bytes it must have.
type record struct {
	Format   int       `json:"format"`
	Size     int64     `json:"size"`
	Changed  int64     `json:"changed"` // the file's time of change, Unix nanoseconds
	SHA256   string    `json:"sha256"`
	Fetched  time.Time `json:"fetched"`
	ModTime  time.Time `json:"modTime,omitzero"`
	Origin   string    `json:"origin,omitempty"`
	Verified string    `json:"verified,omitempty"`

	Took time.Duration `json:"took,omitzero"` // in nanoseconds

	used time.Time // the record's own time of change: when the entry was last used, give or take an hour
}

const recordFormat = 1

var errRecord = errors.New("its record cannot be read")

// recordName returns the name of a key's record. No element of a key that is a
// directory has a comma, so a record is never where a directory has to be.
func recordName(key string) string { return path.Join(recordDir, key+recordSuffix) }

const recordSuffix = ",json"

// newRecord describes the file with that info. Times are written in UTC: JSON
// has no way to write a zone that is off by seconds.
func newRecord(info fs.FileInfo, m Meta) record {
	return record{
		Format:   recordFormat,
		Size:     info.Size(),
		Changed:  info.ModTime().UnixNano(),
		SHA256:   m.Digest.String(),
		Fetched:  m.Fetched.UTC(),
		ModTime:  m.ModTime.UTC(),
		Origin:   m.Origin,
		Verified: m.Verified,
		Took:     m.Took,
	}
}

// describes reports whether r was made for the file with that info.
func (r *record) describes(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Size() == r.Size && info.ModTime().UnixNano() == r.Changed
}

func (r *record) meta() Meta {
	m := Meta{Fetched: r.Fetched, ModTime: r.ModTime, Origin: r.Origin, Verified: r.Verified, Took: r.Took}
	hex.Decode(m.Digest[:], []byte(r.SHA256))
	return m
}

// parseRecord accepts only a record that was written whole by this format.
func parseRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	if r.Format != recordFormat {
		return record{}, fmt.Errorf("%w: its format is %d", errRecord, r.Format)
	}
	digest, err := hex.DecodeString(r.SHA256)
	if err != nil || len(digest) != len(Digest{}) || r.Size < 0 {
		return record{}, fmt.Errorf("%w: no digest or size", errRecord)
	}
	return r, nil
}

func (d *Disk) readRecord(key string) (record, error) {
	file, err := d.root().Open(recordName(key))
	if err != nil {
		return record{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return record{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return record{}, errRecord
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	r, err := parseRecord(data)
	r.used = info.ModTime()
	return r, err
}

var errMeta = errors.New("the metadata is too large, or not in UTF-8")

// maxRecord is more than any record takes, in bytes.
const maxRecord = 64 << 10

// writeRecord writes r to a temporary file and returns its name. It is not
// synced: a record that a crash tore cannot be parsed, and counts as none.
func (d *Disk) writeRecord(ctx context.Context, r record) (name string, err error) {
	if !utf8.ValidString(r.Origin) || !utf8.ValidString(r.Verified) {
		return "", errMeta // JSON would change it
	}
	data, err := json.Marshal(r)
	if err == nil && len(data) >= maxRecord {
		err = errMeta
	}
	if err != nil {
		return "", err
	}
	file, name, err := d.createTemp(ctx)
	if err != nil {
		return "", err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Close()); err != nil {
		d.root().Remove(name)
		return "", err
	}
	return name, nil
}
