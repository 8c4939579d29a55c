package display

import (
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/mod/module"
)

// jsonForm is for programs. The package's comment documents its fields.
type jsonForm struct{}

type moduleRecord struct {
	Type     string       `json:"type"`
	Path     string       `json:"path"`
	Version  string       `json:"version,omitempty"`
	Query    string       `json:"query,omitempty"`
	Bytes    int64        `json:"bytes"`
	Source   string       `json:"source,omitempty"`
	Cached   bool         `json:"cached"`
	Verified string       `json:"verified,omitempty"`
	TookMS   int64        `json:"took_ms"`
	Error    *errorRecord `json:"error,omitempty"`
}

type errorRecord struct {
	Class string `json:"class"`
	Text  string `json:"text"`
}

type summaryRecord struct {
	Type     string `json:"type"`
	Expected int    `json:"expected"`
	Fetched  int    `json:"fetched"`
	Cached   int    `json:"cached"`
	Failed   int    `json:"failed"`
	Canceled int    `json:"canceled"`
	Bytes    int64  `json:"bytes"`
	TookMS   int64  `json:"took_ms"`
}

func (jsonForm) done(m module.Version, r Result) line {
	record := moduleRecord{
		Type: "module", Path: m.Path, Bytes: max(0, r.Bytes), Source: r.Source,
		Cached: r.Cached, Verified: r.Verified, TookMS: milliseconds(r.Took),
	}
	record.Version, record.Query = resolved(m.Version, r.Version)
	if r.Err != nil {
		record.Bytes = 0
		record.Error = &errorRecord{ClassOf(r.Err), r.Err.Error()}
	}
	return object(record)
}

func (jsonForm) note(text string) line { return line{text: text} }

func (jsonForm) closing(s Summary) line {
	return object(summaryRecord{
		"summary", s.Expected, s.Fetched, s.Cached, s.Failed, s.Canceled, s.Bytes, milliseconds(s.Took),
	})
}

// resolved tells a version from the query that led to it. What is not a canonical
// version, and came to none, is a query.
func resolved(asked, got string) (version, query string) {
	switch {
	case got != "" && got != asked:
		return got, asked
	case module.CanonicalVersion(asked) == asked:
		return asked, ""
	}
	return "", asked
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

// object returns record as a line. Records hold nothing that JSON cannot.
func object(record any) line {
	text, err := json.Marshal(record)
	if err != nil {
		panic(fmt.Sprintf("display: a record is not JSON: %v", err))
	}
	return line{string(text), true}
}
