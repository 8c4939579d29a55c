package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Metadata is what a source says of a version, in an .info file or as @latest.
type Metadata struct {
	Version string    // canonical
	Time    time.Time // of the commit; zero if the source does not know

	// Origin is where the version comes from, in the go command's own form
	// (cmd/go/internal/modfetch/codehost, type Origin); nil if not said.
	Origin json.RawMessage `json:",omitempty"`
}

// ParseMetadata reads an .info file or @latest answer to req. The version must
// be canonical, and if req itself named a canonical version, exactly that one
// (modfetch/proxy.go, Stat). Anything else is garbage from the source, and an error.
func ParseMetadata(req Request, data []byte) (Metadata, error) {
	var m Metadata
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		return Metadata{}, errors.New("the answer is a page (of a login, or an error), not metadata")
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Metadata{}, fmt.Errorf("metadata is not as the protocol wants it: %w", err)
	}
	if m.Version == "" || module.CanonicalVersion(m.Version) != m.Version {
		return Metadata{}, fmt.Errorf("metadata names %q, which is not a canonical version", m.Version)
	}
	if req.Kind() == Info && req.Immutable() && m.Version != req.Version() {
		return Metadata{}, fmt.Errorf("metadata is of version %s", m.Version)
	}
	return m, nil
}

// Listed is a line of a version list.
type Listed struct {
	Version string    // valid, though not always canonical
	Time    time.Time // zero unless the line gave one
}

var errNotList = errors.New("the answer is not a list of versions")

// ParseList reads an @v/list answer. Like the go command it passes over lines
// that do not begin with a version; but a body with nothing else in it, or with
// what no list holds (markup, control characters), is garbage from the source
// and an error. An empty list is a good answer.
func ParseList(data []byte) ([]Listed, error) {
	if !utf8.Valid(data) || bytes.ContainsFunc(data, notInList) {
		return nil, errNotList
	}
	var all []Listed
	blank := true
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		blank = false
		l := Listed{Version: string(fields[0])}
		if !semver.IsValid(l.Version) {
			continue
		}
		if len(fields) > 1 {
			l.Time, _ = time.Parse(time.RFC3339, string(fields[1]))
		}
		all = append(all, l)
	}
	if all == nil && !blank {
		return nil, errNotList
	}
	return all, nil
}

func notInList(r rune) bool {
	return r == '<' || r == '{' || !unicode.IsGraphic(r) && !unicode.IsSpace(r)
}
