package fetch

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// This file is the only one that knows what a class of errors is in HTTP.

var errLoop = errors.New("the request came back to the proxy that sent it: a source of this proxy leads to this proxy, take it out of the list")

var errLongWay = errors.New("the request has come through too many proxies")

// status returns the HTTP status for err. Absence is 404 or 410, and nothing
// else is: the go command goes on to other modules and versions after those two.
func status(err *upstream.Error) int {
	switch err.Class {
	case upstream.NotFound:
		if err.Status == http.StatusGone {
			return http.StatusGone
		}
		return http.StatusNotFound
	case upstream.Denied:
		if _, ok := asUnauthorized(err); ok {
			return http.StatusUnauthorized
		}
		return http.StatusForbidden
	case upstream.Timeout:
		return http.StatusGatewayTimeout
	case upstream.Overloaded, upstream.Canceled:
		return http.StatusServiceUnavailable
	case upstream.Unavailable:
		if err.RetryAfter > 0 {
			return http.StatusServiceUnavailable
		}
	}
	return http.StatusBadGateway
}

// maxErrorAge is how long, in seconds, a client may keep that something does
// not exist. Other errors are not for keeping.
const maxErrorAge = 10

func (h *handler) writeError(w http.ResponseWriter, r *http.Request, e *upstream.Error) {
	code := status(e)
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if e.Class == upstream.NotFound && e.Conclusive() {
		header.Set("Cache-Control", h.private("max-age="+strconv.Itoa(maxErrorAge)))
	}
	if unauthorized, ok := asUnauthorized(e); ok {
		header.Set("WWW-Authenticate", unauthorized.challenge())
	}
	if code == http.StatusServiceUnavailable {
		seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
		header.Set("Retry-After", strconv.FormatInt(max(1, seconds), 10))
	}
	writeText(w, r, code, explain(e))
}

var errMethod = errors.New("only GET and HEAD are part of the module proxy protocol")

func methodNotAllowed(w http.ResponseWriter) {
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, errMethod.Error(), http.StatusMethodNotAllowed)
}

func writeText(w http.ResponseWriter, r *http.Request, code int, text string) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write([]byte(text))
	}
}

// The go command shows no more of an error (cmd/go/internal/web/api.go).
const (
	maxErrorLines = 8
	maxErrorText  = maxErrorLines * 81
)

// explain returns the error in lines that the go command will show: the most
// helpful first, then one for each source.
func explain(e *upstream.Error) string {
	var lines []string
	size := 0
	for line := range strings.SplitSeq(e.Error(), "\n") {
		line = shorten(strings.TrimSpace(line), maxErrorText/2)
		if size += len(line) + 2; len(lines) == maxErrorLines || size > maxErrorText {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-len("...")], "") + "..."
}
