package fetch

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// An inscription is what a handler has made of an entry in memory, kept with it.
type inscription struct {
	handler   *handler
	req       upstream.Request
	core      uint64             // the id of the core by whose options it may be handed out
	whole     []field            // of the header, but for Age
	unchanged []field            // those of them that an answer to who has it already has
	etag      string             // as in the header
	modified  string             // as in the header; empty if it is not there
	resp      *upstream.Response // what Fetch would return, but for its body
	age       atomic.Pointer[age]
}

// A field is one of a header, ready to be put there. The slice is shared by all
// answers: net/http copies it.
type field struct {
	name  string
	value []string
}

// An age is a value of the Age field.
type age struct {
	seconds int64
	value   []string
}

// inscribe makes the header of an answer, if the entry may be handed out.
func (x *exchange) inscribe(c *core, held *cache.Held) *inscription {
	if c.refuse(x.req) != nil || !c.trusts(x.req, held.Verified) {
		return nil
	}
	header, resp := http.Header{}, heldResponse(held)
	x.writeHeader(header, x.req, resp)
	header.Del("Age") // it is another one each second
	in := &inscription{handler: x.handler, req: x.req, core: c.id, etag: header.Get("ETag"), resp: resp}
	content := []field{{"Content-Type", header["Content-Type"]}, {"Content-Length", []string{strconv.Itoa(len(held.Content))}}}
	if x.req.Kind() == upstream.Zip { // nobody goes on with a text of one packet
		content = append(content, field{"Accept-Ranges", []string{"bytes"}})
	}
	if isDate(held.ModTime) {
		in.modified = held.ModTime.UTC().Format(http.TimeFormat)
		content = append(content, field{"Last-Modified", []string{in.modified}})
	}
	header.Del("Content-Type")
	in.whole = content
	for name, value := range header {
		in.whole = append(in.whole, field{name, value})
	}
	in.unchanged = in.whole[len(content):]
	return in
}

// isDate reports whether a time is one that [http.ServeContent] takes for known.
func isDate(t time.Time) bool { return !t.IsZero() && !t.Equal(time.Unix(0, 0)) }

// fields are those of the answer to such a request. Of one that is not the file there
// is said what a cache needs that keeps it (RFC 9110, section 15.4.5).
func (in *inscription) fields(asked wish) []field {
	if asked == change {
		return in.unchanged
	}
	return in.whole
}

// ageOf returns the value of the Age field, as writeAge sets it.
func (in *inscription) ageOf(held *cache.Held) []string {
	seconds := int64(max(0, time.Since(held.Fetched)) / time.Second)
	now := in.age.Load()
	if now == nil || now.seconds != seconds {
		now = &age{seconds, []string{strconv.FormatInt(seconds, 10)}}
		in.age.Store(now)
	}
	return now.value
}
