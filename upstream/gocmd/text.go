package gocmd

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
)

// The go command shows no more of an explanation than this (web/api.go).
const (
	maxTextLines = 8
	maxTextBytes = maxTextLines * 81
)

// userinfo matches what stands before the host of a URL.
var userinfo = regexp.MustCompile(`(://)[^/\s@'"]*@`)

// reason makes what a command said fit for showing: without the credentials in
// URLs and the paths of scratch files, printable, and short. It keeps the end
// of each line that is too long, and the last lines, where git says what
// happened.
func reason(text string, w *workspace) string {
	text = userinfo.ReplaceAllString(text, "${1}xxxxx@")
	text = strings.ReplaceAll(text, w.dir, "...")
	var kept []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(line, "")))
		if line != "" {
			kept = append(kept, line)
		}
	}
	kept = kept[max(0, len(kept)-maxTextLines):]
	for size := 0; len(kept) > 0; {
		size = len(strings.Join(kept, "\n"))
		if size <= maxTextBytes {
			break
		}
		if len(kept) == 1 {
			return strings.ToValidUTF8(kept[0][size-maxTextBytes:], "")
		}
		kept = kept[1:]
	}
	return strings.Join(kept, "\n")
}

func printable(r rune) rune {
	switch {
	case r == '\n' || unicode.IsPrint(r):
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return -1
}

// said is what there is of an explanation: what the go command says of the
// module, or else what it complained of; and what git complained of, where the
// go command keeps that to itself.
func (j *judge) said() string {
	text := cmp.Or(strings.TrimSpace(j.about.failure()), j.out.complaints())
	text = j.ses.unalias(text)
	if !j.ses.insecure { // what the go command asked the gateway for in http was asked for in https
		text = strings.ReplaceAll(text, "http://", "https://")
	}
	if len(j.network) > 0 {
		for _, line := range j.network[len(j.network)-1].errors {
			if !strings.Contains(text, line) {
				text += "\n" + line
			}
		}
	}
	return reason(text, j.ws)
}
