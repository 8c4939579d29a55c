package fetch

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// writeHeader begins an answer of which nobody knows yet what it will be: it has no
// validators.
func (r *relay) writeHeader() {
	header := r.w.Header()
	r.handler.writeHeader(header, r.req, &upstream.Response{Source: r.source})
	if r.announced > 0 {
		header.Set("Content-Length", strconv.FormatInt(r.announced, 10))
	}
	r.begun = true
	r.w.WriteHeader(http.StatusOK)
}

// finish ends an answer of which the relay has sent a part, or breaks the connection.
func (x *exchange) finish(resp *upstream.Response, caller string, decision Decision) {
	err := x.relay.complete(resp)
	if errors.Is(err, errOtherFile) {
		resp = x.relay.part()
		x.fail(&upstream.Error{Request: x.req, Source: resp.Source, Err: err})
	} else {
		x.note(resp, nil)
	}
	x.counted.wrote(0, err)
	if x.opts.Audit != nil {
		x.auditAnswer(x.r, x.req, caller, resp, decision, x.counted)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// cut breaks the connection if the client has a part of what turned out to be none.
func (r *relay) cut() {
	if r.hasBegun() {
		panic(http.ErrAbortHandler)
	}
}

// part is what the client has a part of, of which nobody knows more than who sent it.
func (r *relay) part() *upstream.Response {
	return &upstream.Response{Source: r.source, Size: r.announced}
}

var errOtherFile = errors.New("the answer is another file than the one of which a part was sent already; ask again")

// complete sends what is left, now that the answer is known. If that is another file
// than the one that was begun, there is no way back.
func (r *relay) complete(resp *upstream.Response) error {
	if r.err != nil {
		return r.err
	}
	if r.announced > 0 && resp.Size != r.announced {
		return errOtherFile
	}
	if !r.skip(resp.Body) {
		return errOtherFile
	}
	n, err := io.Copy(r.w, resp.Body)
	if err == nil && resp.Size > 0 && r.sent+n != resp.Size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// skip moves the body of the answer to where what was sent ends, and reports whether
// that is its begin.
func (r *relay) skip(body io.Reader) bool {
	if same, ok := body.(*cache.SpoolReader); ok && same.Spool() == r.from.Spool() {
		_, err := same.Seek(r.sent, io.SeekStart)
		return err == nil
	}
	return sameBytes(io.LimitReader(body, r.sent), io.NewSectionReader(r.from, 0, r.sent))
}

// sameBytes reports whether two readers give the same.
func sameBytes(a, b io.Reader) bool {
	const part = 32 << 10
	one, other := make([]byte, part), make([]byte, part)
	for {
		n, err := io.ReadFull(a, one)
		m, otherErr := io.ReadFull(b, other)
		if !bytes.Equal(one[:n], other[:m]) {
			return false
		}
		if ends(err) || ends(otherErr) {
			return ends(err) && ends(otherErr)
		}
		if err != nil || otherErr != nil {
			return false
		}
	}
}

func ends(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
