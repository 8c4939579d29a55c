package verify_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// A zip that breaks off goes on where it was, as often as that helps, and no
// byte is sent twice.
func TestResume(t *testing.T) {
	const size = 300_000
	longAgo := time.Now().Add(-time.Hour)
	date := longAgo.UTC().Format(http.TimeFormat)
	for _, test := range []struct {
		name    string
		breaks  []int64
		opts    verify.SpoolOptions
		etag    string
		modTime time.Time
		asked   []string
		sent    int64
		err     bool
	}{
		{name: "whole", etag: `"a"`, asked: []string{"200"}, sent: size},
		{name: "breaks off", breaks: []int64{100_000}, etag: `"a"`,
			asked: []string{"200", `100000- if "a": 206`}, sent: size},
		{name: "breaks off again and again", breaks: []int64{100_000, 50_000, 1, 70_000}, etag: `"a"`,
			asked: []string{"200", `100000- if "a": 206`, `150000- if "a": 206`, `150001- if "a": 206`, `220001- if "a": 206`}, sent: size},
		{name: "as often as by default", breaks: []int64{70_000, 1, 1, 1, 1}, etag: `"a"`,
			asked: []string{"200", `70000- if "a": 206`, `70001- if "a": 206`, `70002- if "a": 206`, `70003- if "a": 206`, `70004- if "a": 206`}, sent: size},
		{name: "too often", breaks: []int64{70_000, 1, 1, 1, 1, 1}, etag: `"a"`,
			asked: []string{"200", `70000- if "a": 206`, `70001- if "a": 206`, `70002- if "a": 206`, `70003- if "a": 206`, `70004- if "a": 206`}, sent: 70_005, err: true},
		{name: "more often than wanted", breaks: []int64{70_000, 70_000}, opts: verify.SpoolOptions{Resumes: 1}, etag: `"a"`,
			asked: []string{"200", `70000- if "a": 206`}, sent: 140_000, err: true},
		{name: "not wanted", breaks: []int64{100_000}, opts: verify.SpoolOptions{Resumes: -1}, etag: `"a"`,
			asked: []string{"200"}, sent: 100_000, err: true},
		{name: "that brings nothing", breaks: []int64{100_000, 0}, etag: `"a"`,
			asked: []string{"200", `100000- if "a": 206`}, sent: 100_000, err: true},
		{name: "too little is there", breaks: []int64{64<<10 - 1}, etag: `"a"`,
			asked: []string{"200"}, sent: 64<<10 - 1, err: true},
		{name: "just enough is there", breaks: []int64{64 << 10}, etag: `"a"`,
			asked: []string{"200", `65536- if "a": 206`}, sent: size},
		{name: "by date", breaks: []int64{100_000}, modTime: longAgo,
			asked: []string{"200", "100000- if " + date + ": 206"}, sent: size},
		{name: "no validator", breaks: []int64{100_000},
			asked: []string{"200"}, sent: 100_000, err: true},
		{name: "weak validator", breaks: []int64{100_000}, etag: `W/"a"`,
			asked: []string{"200"}, sent: 100_000, err: true},
		{name: "changed just now", breaks: []int64{100_000}, modTime: time.Now().Add(time.Hour),
			asked: []string{"200"}, sent: 100_000, err: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			o := &zipOrigin{content: noise(size), etag: test.etag, modTime: test.modTime, breaks: test.breaks}
			resp, err := spooledIn(dir, o.source(t, "proxy.example"), test.opts).Fetch(t.Context(), request(t, zipKey))
			if test.err {
				wantBlame(t, err, upstream.Unavailable, "proxy.example")
			} else {
				wantContent(t, resp, err, o.content)
			}
			if diff := cmp.Diff(test.asked, o.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if o.sent != test.sent {
				t.Errorf("%d bytes were sent, want %d", o.sent, test.sent)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// Small files are asked for anew: that costs no more than going on.
func TestResumeIsForZips(t *testing.T) {
	for _, key := range []string{infoKey, modKey, "a.example/m/@v/list"} {
		o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}}
		_, err := spooledIn(t.TempDir(), o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(t.Context(), request(t, key))
		wantBlame(t, err, upstream.Unavailable, "proxy.example")
		if diff := cmp.Diff([]string{"200"}, o.asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", key, diff)
		}
	}
}

// What cannot be the rest of what is there is not put behind it, and what need
// not be only if a checksum decides in the end.
func TestResumeOfSomethingElse(t *testing.T) {
	before, after := noise(300_000), noise(600_000)[300_000:]
	header := func(name, value string) func(*http.Response) {
		return func(resp *http.Response) { resp.Header.Set(name, value) }
	}
	replaced := func(content, etag string) func(*zipOrigin, int) {
		return func(o *zipOrigin, n int) {
			if n == 1 {
				o.content, o.etag = content, etag
			}
		}
	}
	onwards := `100000- if "a": `
	for _, test := range []struct {
		name  string
		turn  func(*zipOrigin, int)
		edit  func(*http.Response)
		want  string
		asked []string
		sure  []string // asked where there is a checksum; nil: the same
	}{
		{"replaced", replaced(after, `"b"`), nil, after, []string{"200", onwards + "200"}, nil},
		{"replaced, validators are ignored", replaced(after, `"a"`), header("ETag", `"b"`), after, []string{"200", onwards + "206", "200"}, nil},
		{"longer", replaced(before+"x", `"a"`), nil, before + "x", []string{"200", onwards + "206", "200"}, nil},
		{"shorter", replaced(before[:200_000], `"a"`), nil, before[:200_000], []string{"200", onwards + "206", "200"}, nil},
		{"shorter than what is there", replaced(before[:90_000], `"a"`), nil, before[:90_000], []string{"200", onwards + "416", "200"}, nil},
		{"another range", nil, header("Content-Range", "bytes 99999-299999/300000"), before, []string{"200", onwards + "206", "200"}, nil},
		{"less than the rest", nil, header("Content-Range", "bytes 100000-200000/300000"), before, []string{"200", onwards + "206", "200"}, nil},
		{"no range", nil, header("Content-Range", ""), before, []string{"200", onwards + "206", "200"}, nil},
		{"the rest, without a validator", nil, header("ETag", ""), before, []string{"200", onwards + "206", "200"}, []string{"200", onwards + "206"}},
		{"the rest, with a weak validator", nil, header("ETag", `W/"a"`), before, []string{"200", onwards + "206", "200"}, []string{"200", onwards + "206"}},
	} {
		for name, ctx := range sureAndUnsure(t) {
			t.Run(test.name+", "+name, func(t *testing.T) {
				dir := t.TempDir()
				o := &zipOrigin{content: before, etag: `"a"`, breaks: []int64{100_000}, turn: test.turn, edit: test.edit}
				resp, err := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(ctx, request(t, zipKey))
				wantContent(t, resp, err, test.want)
				want := test.asked
				if name == sure && test.sure != nil {
					want = test.sure
				}
				if diff := cmp.Diff(want, o.asked); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				wantFiles(t, dir, 0)
			})
		}
	}
}

// A source that is gone when it is asked to go on fails with what it says then.
func TestResumeFails(t *testing.T) {
	dir := t.TempDir()
	o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}}
	o.turn = func(o *zipOrigin, n int) { o.dead = n > 0 }
	_, err := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(t.Context(), request(t, zipKey))
	wantBlame(t, err, upstream.Unavailable, "proxy.example")
	if diff := cmp.Diff([]string{"200", "dead"}, o.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantFiles(t, dir, 0)
}

// A source that refuses ranges is asked for the whole: the range may be all that
// it has against the request.
func TestResumeRefused(t *testing.T) {
	for status, again := range map[int]bool{400: true, 401: true, 403: true, 404: true, 410: true, 416: true, 500: true, 501: true,
		408: false, 429: false, 502: false, 503: false, 504: false} {
		dir := t.TempDir()
		req := request(t, zipKey)
		ctx, salvage := verify.WithSalvage(t.Context(), req)
		o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}, refuse: status}
		u := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{})
		resp, err := u.Fetch(ctx, req)
		want := []string{"200", fmt.Sprintf(`100000- if "a": %d`, status)}
		if again {
			want = append(want, "200")
			wantContent(t, resp, err, o.content)
		} else if e, ok := err.(*upstream.Error); !ok || e.Status != status {
			t.Errorf("status %d: error is %v", status, err)
		}
		if diff := cmp.Diff(want, o.asked); diff != "" {
			t.Errorf("status %d: requests (-want +got):\n%s", status, diff)
		}
		wantFiles(t, dir, 1) // in the salvage
		salvage.Close()
		wantFiles(t, dir, 0)
	}
}

// The validator of the first piece is kept for the next ones, where they have none.
func TestResumeKeepsTheValidator(t *testing.T) {
	o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000, 100_000}}
	o.edit = func(resp *http.Response) { resp.Header.Del("ETag") }
	resp, err := spooledIn(t.TempDir(), o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(asking(t.Context(), &knowing{}), request(t, zipKey))
	if err == nil && resp.Validator != `"a"` {
		t.Errorf("validator is %s", resp.Validator)
	}
	wantContent(t, resp, err, o.content)
	if diff := cmp.Diff([]string{"200", `100000- if "a": 206`, `200000- if "a": 206`}, o.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// In a context that has the resume point of a download around this one, as where
// one Fetcher is another's source, this one begins at its own beginning.
func TestResumePointOfSomebodyElse(t *testing.T) {
	o := &zipOrigin{content: noise(300_000), etag: `"a"`}
	ctx := upstream.WithResumePoint(t.Context(), upstream.ResumePoint{Offset: 100_000, Size: 300_000, Validator: `"a"`})
	resp, err := spooledIn(t.TempDir(), o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(ctx, request(t, zipKey))
	wantContent(t, resp, err, o.content)
}

const sure, unsure = "with a checksum", "without a checksum"

// sureAndUnsure returns contexts where a checksum decides in the end, and where
// none does.
func sureAndUnsure(t *testing.T) map[string]context.Context {
	return map[string]context.Context{sure: asking(t.Context(), &knowing{}), unsure: t.Context()}
}

// A source that answers each time from the beginning has brought something only
// when there is more than there ever was.
func TestResumeFromTheBeginning(t *testing.T) {
	whole := noise(300_000)
	for _, test := range []struct {
		name   string
		breaks []int
		tries  int
		asked  int
		err    bool
	}{
		{"at the same place", []int{100_000}, 1, 2, true},
		{"at the same place, in every try", []int{100_000}, 3, 4, true},
		{"earlier", []int{100_000, 90_000}, 1, 2, true},
		{"later, but not for long", []int{100_000, 150_000, 150_000}, 1, 3, true},
		{"later each time", []int{100_000, 150_000, 200_000, 300_000}, 1, 4, false},
		{"later, but too often", []int{100_000, 110_000, 120_000, 130_000, 140_000, 150_000, 300_000}, 1, 6, true},
	} {
		for name, ctx := range sureAndUnsure(t) {
			t.Run(test.name+", "+name, func(t *testing.T) {
				dir := t.TempDir()
				req := request(t, zipKey)
				ctx, salvage := verify.WithSalvage(ctx, req)
				asked := 0
				u := spooledIn(dir, upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
					at := test.breaks[min(asked, len(test.breaks)-1)]
					asked++
					if at == len(whole) {
						return &upstream.Response{Body: newBody(whole), Size: 300_000, Validator: `"a"`, Source: "proxy"}, nil
					}
					return &upstream.Response{Body: brokenAt(whole, at), Size: 300_000, Validator: `"a"`, Source: "proxy"}, nil
				}), verify.SpoolOptions{})
				for range test.tries {
					resp, err := u.Fetch(ctx, req)
					if test.err {
						wantBlame(t, err, upstream.Unavailable, "proxy")
					} else {
						wantContent(t, resp, err, whole)
					}
				}
				if asked != test.asked {
					t.Errorf("%d requests, want %d", asked, test.asked)
				}
				salvage.Close()
				wantFiles(t, dir, 0)
			})
		}
	}
}

// brokenAt is content that breaks off.
func brokenAt(content string, at int) *body {
	return &body{content: strings.NewReader(content[:at]), err: io.ErrUnexpectedEOF}
}
