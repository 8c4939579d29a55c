package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A ResumePoint is where a download broke off that may go on from there.
type ResumePoint struct {
	Offset    int64  // how many bytes there are already; 0: none, and the rest means nothing
	Size      int64  // of the whole; 0 or less if it is not known
	Validator string // [Response].Validator of what broke off
}

type resumeKey struct{}

// WithResumePoint returns a context whose call for a zip may be answered with
// only what is behind the point, if the source still, or also, has that very
// content. [Response].Offset tells what it did. A source need not heed it.
func WithResumePoint(ctx context.Context, p ResumePoint) context.Context {
	return context.WithValue(ctx, resumeKey{}, p)
}

// resumePoint returns the point for a request over HTTP; zero for none. Without
// a validator nobody could tell whether the rest belongs to the beginning.
func resumePoint(ctx context.Context, req Request) ResumePoint {
	p, _ := ctx.Value(resumeKey{}).(ResumePoint)
	if req.Kind() != Zip || p.Offset <= 0 || p.Validator == "" {
		return ResumePoint{}
	}
	return p
}

// validator returns what an If-Range header may hold for a response: a strong
// ETag, or a date that is old enough to be strong (RFC 9110, sections 8.8.1 and
// 13.1.5).
func validator(header http.Header) string {
	etag := header.Get("ETag")
	if len(etag) > 2 && etag[0] == '"' && strings.HasSuffix(etag, `"`) {
		return etag
	}
	if etag != "" {
		return ""
	}
	modified := header.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	if err != nil {
		return ""
	}
	if sent, err := http.ParseTime(header.Get("Date")); err != nil || sent.Sub(at) < time.Second {
		return ""
	}
	return modified
}

// ErrCannotResume is the cause of an error of a source that was asked to go on
// with a download and did something else, which it need not have done to begin
// anew.
var ErrCannotResume = errors.New("it cannot go on where the download broke off")

// checkRange checks that a partial response is the rest that was asked for, to
// the end, and of the same whole (RFC 9110, section 14.4).
func checkRange(resp *http.Response, point ResumePoint) error {
	var first, last, size int64
	if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size); err != nil {
		return ErrCannotResume
	}
	switch {
	case first != point.Offset, last < first, last != size-1, point.Size > 0 && size != point.Size:
		return ErrCannotResume
	case resp.ContentLength >= 0 && resp.ContentLength != size-point.Offset:
		return ErrCannotResume
	}
	resp.ContentLength = size - point.Offset
	return nil
}
