package verify_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// answers is a source that gives the next one each time.
type answers []*upstream.Response

func (a *answers) Name() string { return "proxy" }

func (a *answers) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	if len(*a) == 0 {
		return nil, errors.New("asked too often")
	}
	next := (*a)[0]
	*a = (*a)[1:]
	return next, nil
}

// A source that is no server is held to what it says of its answers, too, whether
// or not a checksum decides in the end.
func TestResumeAnswers(t *testing.T) {
	whole := noise(300_000)
	rest := whole[100_000:]
	first := func() *upstream.Response {
		return &upstream.Response{Body: brokenAt(whole, 100_000), Size: 300_000, Validator: `"a"`}
	}
	answer := func(content string, offset, size int64, validator string) *upstream.Response {
		return &upstream.Response{Body: newBody(content), Offset: offset, Size: size, Validator: validator}
	}
	unknown := func() *upstream.Response {
		return &upstream.Response{Body: brokenAt(whole, 100_000), Size: -1, Validator: `"a"`}
	}
	type row struct {
		name  string
		first *upstream.Response
		next  []*upstream.Response
		text  string // in the error; empty: there is none
	}
	rows := func() []row {
		return []row{
			{"the rest", first(), []*upstream.Response{answer(rest, 100_000, 300_000, `"a"`)}, ""},
			{"the rest, of unknown size", first(), []*upstream.Response{answer(rest, 100_000, -1, `"a"`)}, ""},
			{"the rest of unknown size", unknown(), []*upstream.Response{answer(rest, 100_000, 0, `"a"`)}, ""},
			{"the rest, which knows the size", unknown(), []*upstream.Response{answer(rest, 100_000, 300_000, `"a"`)}, ""},
			{"less than the rest, of unknown size", first(), []*upstream.Response{answer(rest[:1000], 100_000, -1, `"a"`), answer(rest[1000:], 101_000, 0, `"a"`)}, ""},
			{"ends early", first(), []*upstream.Response{answer(rest[:1000], 100_000, 300_000, `"a"`), answer(rest[1000:], 101_000, 300_000, `"a"`)}, ""},
			{"more than the rest", first(), []*upstream.Response{answer(rest+"x", 100_000, 300_000, `"a"`)}, "body has 300001 bytes, 300000 were announced"},
			{"more than the rest, of unknown size", first(), []*upstream.Response{answer(rest+"x", 100_000, 0, `"a"`)}, "body has 300001 bytes, 300000 were announced"},
			{"of another size", first(), []*upstream.Response{answer(rest+"x", 100_000, 300_001, `"a"`), answer(whole, 0, 300_000, "")}, ""},
			{"of another state", first(), []*upstream.Response{answer(rest, 100_000, 300_000, `"b"`), answer(whole, 0, 300_000, "")}, ""},
			{"of another state, twice", first(), []*upstream.Response{answer(rest, 100_000, 300_000, `"b"`), answer(rest, 100_000, 300_000, `"b"`)}, "begins at byte 100000"},
			{"too early", first(), []*upstream.Response{answer(whole[99_999:], 99_999, 300_000, `"a"`)}, "begins at byte 99999"},
			{"too late", first(), []*upstream.Response{answer(whole[100_001:], 100_001, 300_000, `"a"`)}, "begins at byte 100001"},
			{"before the beginning", first(), []*upstream.Response{answer(whole, -1, 300_000, `"a"`)}, "begins at byte -1"},
			{"nobody asked", answer(rest, 100_000, 300_000, `"a"`), nil, "begins at byte 100000"},
			{"nothing", first(), []*upstream.Response{nil}, "neither a response"},
		}
	}
	for name, ctx := range sureAndUnsure(t) {
		for _, test := range rows() {
			t.Run(test.name+", "+name, func(t *testing.T) {
				dir := t.TempDir()
				all := append([]*upstream.Response{test.first}, test.next...)
				left := answers(all)
				var given []upstream.Response
				for _, resp := range all {
					if resp != nil {
						given = append(given, *resp)
					}
				}
				resp, err := spooledIn(dir, &left, verify.SpoolOptions{}).Fetch(ctx, request(t, zipKey))
				if test.text == "" {
					wantContent(t, resp, err, whole)
				} else {
					wantBlame(t, err, upstream.Unavailable, "proxy")
					if !strings.Contains(err.Error(), test.text) {
						t.Errorf("error is %v, want %q", err, test.text)
					}
				}
				if len(left) > 0 {
					t.Errorf("%d answers were not asked for", len(left))
				}
				for i, was := range given {
					if was.Body.(*body).closed == 0 {
						t.Errorf("body %d is open", i)
					}
					if *all[i] != was {
						t.Errorf("response %d is changed to %v, from %v", i, *all[i], was)
					}
				}
				wantFiles(t, dir, 0)
			})
		}
	}
}

// The rest must have the validator that was asked with. Where a checksum decides
// in the end, it is enough that it has none that speaks against it. Else the
// source is asked for the whole.
func TestResumeValidator(t *testing.T) {
	whole := noise(300_000)
	const etag, date = `"a"`, "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, test := range []struct {
		before, after string
		sure, unsure  bool // whether it goes on
	}{
		{etag, etag, true, true},
		{etag, "", true, false},
		{etag, date, true, false},
		{etag, `"b"`, false, false},
		{date, date, true, true},
		{date, "", true, false},
		{date, etag, true, false},
		{date, "Tue, 03 Jan 2006 15:04:05 GMT", false, false},
	} {
		for name, ctx := range sureAndUnsure(t) {
			t.Run(test.before+", then "+test.after+", "+name, func(t *testing.T) {
				dir := t.TempDir()
				left := answers{
					{Body: brokenAt(whole, 100_000), Size: 300_000, Validator: test.before},
					{Body: newBody(whole[100_000:]), Offset: 100_000, Size: 300_000, Validator: test.after},
					{Body: newBody(whole), Size: 300_000},
				}
				resp, err := spooledIn(dir, &left, verify.SpoolOptions{}).Fetch(ctx, request(t, zipKey))
				wantContent(t, resp, err, whole)
				goesOn := map[string]bool{sure: test.sure, unsure: test.unsure}[name]
				if goesOn != (len(left) == 1) {
					t.Errorf("%d answers are left", len(left))
				}
				wantFiles(t, dir, 0)
			})
		}
	}
}

// A source that cannot resume, though nobody wanted that, is not asked for ever.
func TestResumeOfNothing(t *testing.T) {
	n := 0
	u := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		if n++; n > 1 {
			t.Fatal("asked again")
		}
		return nil, &upstream.Error{Request: req, Source: "proxy", Err: upstream.ErrCannotResume}
	})
	_, err := verify.Spooled(nil)(u).Fetch(t.Context(), request(t, zipKey))
	wantBlame(t, err, upstream.Unavailable, "proxy")
}

// A zip may be no longer in pieces than it may be at once.
func TestResumeLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 500 MiB")
	}
	dir := t.TempDir()
	limit := request(t, zipKey).Kind().MaxSize()
	all := io.LimitReader(zeros{}, limit)
	rest := &body{content: zeros{}}
	left := answers{
		{Body: &body{content: all, err: io.ErrUnexpectedEOF}, Size: -1, Validator: `"a"`},
		{Body: rest, Size: -1, Offset: limit, Validator: `"a"`},
	}
	_, err := spooledIn(dir, &left, verify.SpoolOptions{}).Fetch(t.Context(), request(t, zipKey))
	wantBlame(t, err, upstream.Unavailable, "proxy")
	if !strings.Contains(err.Error(), "larger than the 524288000 bytes allowed") || rest.read != 1 {
		t.Errorf("%d more bytes were read, error %v", rest.read, err)
	}
	wantFiles(t, dir, 0)
}

// A disk that is full while a download goes on is no source's failure, and what
// was written is gone.
func TestResumeCannotKeep(t *testing.T) {
	whole := noise(300_000)
	full := func(s *cache.Spool) { s.Fail(errors.New("no space left on device")) } // like one, it refuses what is written
	for name, rest := range map[string]string{"more": whole[100_000:], "nothing more": ""} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var spool *cache.Spool
			newSpool := func(memory int64) *cache.Spool { spool = cache.NewSpool(memory, dir); return spool }
			n := 0
			u := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
				if n++; n == 1 {
					return &upstream.Response{Body: brokenAt(whole, 100_000), Validator: `"a"`, Source: "proxy"}, nil
				}
				full(spool)
				return &upstream.Response{Body: newBody(rest), Offset: 100_000, Validator: `"a"`, Source: "proxy"}, nil
			})
			req := request(t, zipKey)
			ctx, salvage := verify.WithSalvage(t.Context(), req)
			defer salvage.Close()
			_, err := verify.Spooled(&verify.SpoolOptions{New: newSpool})(u).Fetch(ctx, req)
			wantBlame(t, err, upstream.Unavailable, "")
			if n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
			wantFiles(t, dir, 0)
		})
	}
}
