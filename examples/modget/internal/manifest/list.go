package manifest

import (
	"bytes"
	"io"
	"strings"
)

// ReadList reads lines of module@version or module@query, up to 16 MiB of them.
// Blank lines and what follows a # at the beginning of a line or after a space are
// passed over. A path without a version is an error here, other than for [Args]: a
// list that is kept should say which version it means.
//
// The error is an [*Error] that has name for the file.
func ReadList(name string, r io.Reader) (Manifest, error) {
	data, err := readText(name, r)
	if err != nil {
		return Manifest{}, err
	}
	m, err := parseList(name, data)
	return m.settled(), err
}

func parseList(name string, data []byte) (Manifest, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors begin a file with it
	var m Manifest
	number, entries := 0, 0
	for line := range bytes.Lines(data) {
		number++
		fields := strings.Fields(uncommented(string(line)))
		if len(fields) == 0 {
			continue
		}
		entries++
		if len(fields) > 1 {
			return Manifest{}, at(name, number, "%q is no module: write one module@version on a line", shortened(strings.Join(fields, " ")))
		}
		path, query, ok := strings.Cut(fields[0], "@")
		if !ok {
			return Manifest{}, at(name, number, "%q names no version: write %[1]s@latest, or the version", shortened(path))
		}
		if err := m.want(path, query); err != nil {
			return Manifest{}, &Error{File: name, Line: number, Err: err}
		}
	}
	if entries == 0 {
		return Manifest{}, at(name, 0, "lists no module: write one module@version on a line")
	}
	return m, nil
}

func uncommented(line string) string {
	if strings.HasPrefix(line, "#") {
		return ""
	}
	for i, r := range line {
		if r == '#' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
