package verify

import (
	"errors"
	"net/http"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// minResume is how much of a zip must be there, in bytes, for going on to be
// better than beginning anew.
const minResume = 64 << 10

// cannotResume reports whether err, of a source that was asked to go on, may be
// due to that: then it is asked for the whole. Some servers, and some that guard
// them, refuse ranges with whatever status; to ask them for the rest in every
// try would be to fail in every try. Only a status that speaks of load or of the
// way to the server says nothing about ranges.
func cannotResume(err error) bool {
	if errors.Is(err, upstream.ErrCannotResume) {
		return true
	}
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		return false
	}
	switch e.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return true
}

// sameWhole reports whether a response may be the rest of what is there. Some
// servers send a part whatever the condition for it was. Where a checksum decides
// in the end, it is enough that nothing speaks against it; elsewhere the response
// must have the validator that was asked with (RFC 9110, section 15.3.7, wants it
// of an ETag).
func sameWhole(resp *upstream.Response, p upstream.ResumePoint, checked bool) bool {
	switch {
	case resp.Size > 0 && p.Size > 0 && resp.Size != p.Size:
		return false
	case checked && (resp.Validator == "" || isETag(resp.Validator) != isETag(p.Validator)):
		return true // an ETag and a date tell nothing about each other
	}
	return resp.Validator == p.Validator
}

func isETag(validator string) bool { return strings.HasPrefix(validator, `"`) }
