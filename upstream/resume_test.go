package upstream_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const zipKey = "a.b/c/@v/v1.0.0.zip"

// point is after the first 6 of the 10 bytes "0123456789".
var point = upstream.ResumePoint{Offset: 6, Size: 10, Validator: `"v1"`}

func TestResume(t *testing.T) {
	const part = 206
	unknown := point
	unknown.Size = 0
	type verdict struct {
		Body         string
		Offset, Size int64
		Status       int
		CannotResume bool
	}
	cannot := verdict{CannotResume: true}
	tests := []struct {
		name    string
		point   upstream.ResumePoint
		status  int
		body    string
		content string // Content-Range
		want    verdict
	}{
		{"goes on", point, part, "6789", "bytes 6-9/10", verdict{Body: "6789", Offset: 6, Size: 10}},
		{"goes on, size was not known", unknown, part, "6789", "bytes 6-9/10", verdict{Body: "6789", Offset: 6, Size: 10}},
		{"begins anew", point, 200, "9876543210", "", verdict{Body: "9876543210", Size: 10}},
		{"other place", point, part, "56789", "bytes 5-9/10", cannot},
		{"not to the end", point, part, "678", "bytes 6-8/10", cannot},
		{"other size", point, part, "6789A", "bytes 6-10/11", cannot},
		{"size is a secret", point, part, "6789", "bytes 6-9/*", cannot},
		{"length and range disagree", point, part, "67", "bytes 6-9/10", cannot},
		{"nothing", unknown, part, "", "bytes 6-5/6", cannot},
		{"less than nothing", unknown, part, "", "bytes 6--1/0", cannot},
		{"no range", point, part, "6789", "", cannot},
		{"nonsense", point, part, "6789", "lines 6-9/10", cannot},
		{"not satisfiable", point, 416, "", "bytes */10", verdict{Status: 416, CannotResume: true}},
		{"unavailable", point, 503, "", "", verdict{Status: 503}},
		{"part of what was asked for whole", upstream.ResumePoint{}, part, "6789", "bytes 6-9/10", verdict{Status: 206}},
		{"not satisfiable, unasked", upstream.ResumePoint{}, 416, "", "", verdict{Status: 416}},
	}
	for _, test := range tests {
		for _, length := range []bool{true, false} {
			t.Run(test.name, func(t *testing.T) {
				if test.name == "length and range disagree" && !length {
					t.Skip("there is no length")
				}
				u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
					resp := answer(r, test.status, test.body, "Content-Range", test.content)
					if !length && test.status == part {
						resp.ContentLength, resp.TransferEncoding = -1, []string{"chunked"}
					}
					return resp, nil
				})
				resp, err := u.Fetch(upstream.WithResumePoint(t.Context(), test.point), request(t, zipKey))
				var got verdict
				if err != nil {
					e := wantError(t, err, upstream.Unavailable)
					got.Status, got.CannotResume = e.Status, errors.Is(err, upstream.ErrCannotResume)
				} else {
					got.Offset, got.Size = resp.Offset, resp.Size
					got.Body, err = readBody(resp)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("error %v; (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

// Only a zip is gone on with, and only if it can be told that it is the same.
func TestResumeAsks(t *testing.T) {
	tests := []struct {
		name, key string
		point     upstream.ResumePoint
		want      []string // Range and If-Range
	}{
		{"zip", zipKey, point, []string{"bytes=6-", `"v1"`}},
		{"zip by date", zipKey, upstream.ResumePoint{Offset: 1, Validator: "Fri, 02 Jan 2026 03:04:05 GMT"}, []string{"bytes=1-", "Fri, 02 Jan 2026 03:04:05 GMT"}},
		{"no validator", zipKey, upstream.ResumePoint{Offset: 6, Size: 10}, []string{"", ""}},
		{"nothing there", zipKey, upstream.ResumePoint{Size: 10, Validator: `"v1"`}, []string{"", ""}},
		{"negative", zipKey, upstream.ResumePoint{Offset: -6, Validator: `"v1"`}, []string{"", ""}},
		{"no point", zipKey, upstream.ResumePoint{}, []string{"", ""}},
		{"mod", "a.b/c/@v/v1.0.0.mod", point, []string{"", ""}},
		{"list", "a.b/c/@v/list", point, []string{"", ""}},
		{"checksum database", "sumdb/sum.example/latest", point, []string{"", ""}},
	}
	for _, test := range tests {
		var got []string
		u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
			got = []string{r.Header.Get("Range"), r.Header.Get("If-Range")}
			return answer(r, 200, "body"), nil
		})
		resp, err := u.Fetch(upstream.WithResumePoint(t.Context(), test.point), request(t, test.key))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		resp.Body.Close()
		if diff := cmp.Diff(test.want, got); diff != "" || resp.Offset != 0 {
			t.Errorf("%s: offset %d, headers (-want +got):\n%s", test.name, resp.Offset, diff)
		}
	}
}

// What a response says of itself must be strong enough to go on with it.
func TestValidator(t *testing.T) {
	const date, second, day = "Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:06 GMT", "Sat, 03 Jan 2026 03:04:05 GMT"
	tests := []struct {
		name                     string
		etag, modified, sent, is string
	}{
		{"nothing", "", "", day, ""},
		{"strong", `"v1"`, "", day, `"v1"`},
		{"strong and date", `"v1"`, date, day, `"v1"`},
		{"weak", `W/"v1"`, "", day, ""},
		{"weak and date", `W/"v1"`, date, day, ""},
		{"bare", `v1`, date, day, ""},
		{"half", `"v1`, date, day, ""},
		{"empty", `""`, "", day, ""},
		{"date", "", date, day, date},
		{"date is old enough", "", date, second, date},
		{"date is too new", "", date, date, ""},
		{"date from the future", "", day, date, ""},
		{"date without a clock", "", date, "", ""},
		{"no date", "", "yesterday", day, ""},
	}
	for _, test := range tests {
		u := over(t, "https://proxy.example", always(200, "body", "ETag", test.etag, "Last-Modified", test.modified, "Date", test.sent))
		resp, err := u.Fetch(t.Context(), request(t, zipKey))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Validator != test.is {
			t.Errorf("%s: validator is %q, want %q", test.name, resp.Validator, test.is)
		}
	}
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The bound on a zip counts what there was before.
func TestResumeMaxSize(t *testing.T) {
	limit := upstream.Zip.MaxSize()
	tests := []struct {
		name   string
		offset int64
		size   int64
		ok     bool
	}{
		{"at the limit", limit - 4, limit, true},
		{"over the limit", limit - 4, limit + 1, false},
		{"far over the limit", limit + 4, limit + 10, false},
	}
	for _, test := range tests {
		at := upstream.ResumePoint{Offset: test.offset, Validator: `"v1"`}
		read := false
		u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
			resp := answer(r, 206, "", "Content-Range", fmt.Sprintf("bytes %d-%d/%d", test.offset, test.size-1, test.size))
			resp.ContentLength, resp.Body = -1, io.NopCloser(zeros{})
			return resp, nil
		})
		resp, err := u.Fetch(upstream.WithResumePoint(t.Context(), at), request(t, zipKey))
		if err == nil {
			// The source sends more than it said.
			n, err := io.Copy(io.Discard, resp.Body)
			wantError(t, err, upstream.Unavailable)
			resp.Body.Close()
			read = n <= 4
		} else {
			wantError(t, err, upstream.Unavailable)
		}
		if read != test.ok {
			t.Errorf("%s: error %v", test.name, err)
		}
	}
}

// cdn returns a source that serves content for everything, with ranges.
func cdn(content string) upstream.Upstream {
	u, err := upstream.NewHTTP("https://mirror.example", &upstream.HTTPOptions{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		return w.Result(), nil
	})})
	if err != nil {
		panic(err)
	}
	return u
}

// A server of the standard library goes on with what it still has, and begins
// anew where it has something else.
func TestResumeFromARealServer(t *testing.T) {
	for etag, want := range map[string]string{`"v1"`: "6789", `"v0"`: "0123456789"} {
		at := upstream.ResumePoint{Offset: 6, Size: 10, Validator: etag}
		resp, err := cdn("0123456789").Fetch(upstream.WithResumePoint(t.Context(), at), request(t, zipKey))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := readBody(resp); err != nil || body != want || resp.Validator != `"v1"` || resp.Size != 10 {
			t.Errorf("%s: body %q of %d, error %v, validator %s", etag, body, resp.Size, err, resp.Validator)
		}
	}
}
