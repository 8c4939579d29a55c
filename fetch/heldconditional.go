package fetch

import "net/http"

// A wish is what a request wants of a file.
type wish uint8

const (
	everything wish = iota
	change          // the file, if it is not the one that the client has
	special         // anything else that its header may ask for
)

// wishOf reads the fields by which a request is no plain one. Preconditions on what
// must not have changed, and parts, are for [http.ServeContent].
func wishOf(h http.Header) wish {
	for _, field := range [...]string{"Range", "If-Range", "If-Match", "If-Unmodified-Since"} {
		if _, ok := h[field]; ok {
			return special
		}
	}
	for _, field := range [...]string{"If-None-Match", "If-Modified-Since"} {
		if _, ok := h[field]; ok {
			return change
		}
	}
	return everything
}

// isHad reports whether a client certainly has the file: it gives the validator back as
// it was sent to it, as clients and caches do. The date counts only where there is no
// entity tag (RFC 9110, section 13.2.2).
func (in *inscription) isHad(h http.Header) bool {
	if tags, ok := h["If-None-Match"]; ok {
		return len(tags) > 0 && tags[0] == in.etag
	}
	dates := h["If-Modified-Since"]
	return in.modified != "" && len(dates) > 0 && dates[0] == in.modified
}
