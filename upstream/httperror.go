package upstream

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The go command shows no more of an error body (web/api.go).
const (
	maxTextLines = 8
	maxTextBytes = maxTextLines * 81
)

// errorText reads a source's explanation from the body of an error, as the go
// command does: plain text up to the first blank line, nothing that could play
// tricks with a terminal. What is left of a short body is read away, so that
// the connection can be used again.
func errorText(contentType string, body io.Reader) string {
	data, _ := io.ReadAll(io.LimitReader(body, 8<<10))
	mediaType, _, _ := mime.ParseMediaType(contentType)
	if mediaType != "text/plain" {
		return ""
	}
	return plainText(data)
}

func plainText(data []byte) string {
	text := string(data)
	if !utf8.ValidString(text) {
		return ""
	}
	if len(text) > maxTextBytes {
		text = strings.ToValidUTF8(text[:maxTextBytes], "")
	}
	for _, r := range text {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return ""
		}
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || len(lines) == maxTextLines {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// maxRetryAfter keeps a nonsensical header from meaning "never".
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110, section 10.2.3): seconds, or
// a date, which is counted from now. What cannot be read counts as no header.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(0, wait), maxRetryAfter)
}
