package verify_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// largeZip is the zip of a.example/m@v1.0.0, large enough to be gone on with.
func largeZip(t testing.TB) string {
	t.Helper()
	return moduleZip(t, "a.example/m", "v1.0.0", file{"go.mod", honestMod}, file{"m.bin", noise(300_000)})
}

// rotten is content with one wrong byte.
func rotten(content string, at int) string {
	return content[:at] + string([]byte{content[at] ^ 1}) + content[at+1:]
}

// mended is a source with all that belongs around it.
func mended(u upstream.Upstream, dir string) upstream.Upstream {
	return verify.Mend()(checked(u, dir))
}

// One mirror's bytes before another's make a file that neither has: then the
// second is asked for all of it, once.
func TestMend(t *testing.T) {
	zip := largeZip(t)
	right := verify.Sums{Zip: sumsOf(t, zip, honestMod).Zip, By: dbName}
	const spliced = `200000- if "a": 206`
	for _, test := range []struct {
		name   string
		first  string
		second string
		turn   func(o *zipOrigin, n int) // of the second
		breaks []int64                   // of the second
		asked  []string                  // of the second
		class  upstream.Class
		text   string // in the error; empty: there is none
	}{
		{"nothing is wrong", zip, zip, nil, nil, []string{spliced}, 0, ""},
		{"wrong by its sum", rotten(zip, 150_000), zip, nil, nil, []string{spliced, "200"}, 0, ""},
		{"wrong, and the second too", rotten(zip, 150_000), rotten(zip, 250_000), nil, nil, []string{spliced, "200"}, upstream.Untrusted, "second.example"},
		{"wrong, and the second is gone", rotten(zip, 150_000), zip, func(o *zipOrigin, n int) { o.dead = n > 0 }, nil,
			[]string{spliced, "dead"}, upstream.Unavailable, "unexpected EOF"},
		{"wrong, and the second breaks off", rotten(zip, 150_000), zip, nil, []int64{1 << 40, 200_000},
			[]string{spliced, "200"}, upstream.Unavailable, "unexpected EOF"},
		{"not even whole", rotten(zip, 150_000), zip, nil, []int64{50_000, 0},
			[]string{spliced, `250000- if "a": 206`}, upstream.Unavailable, "unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			req := request(t, zipKey)
			first := &zipOrigin{content: test.first, etag: `"a"`, breaks: []int64{200_000}}
			first.turn = func(o *zipOrigin, n int) { o.dead = n > 0 }
			second := &zipOrigin{content: test.second, etag: `"a"`, breaks: test.breaks, turn: test.turn}
			ctx, salvage := verify.WithSalvage(t.Context(), req)
			ctx = asking(ctx, &knowing{sums: right})
			_, err := mended(first.source(t, "first.example"), dir).Fetch(ctx, req)
			wantBlame(t, err, upstream.Unavailable, "first.example")
			resp, err := mended(second.source(t, "second.example"), dir).Fetch(ctx, req)
			if test.text == "" {
				wantContent(t, resp, err, zip)
			} else {
				wantBlame(t, err, test.class, "second.example")
				if !strings.Contains(err.Error(), test.text) {
					t.Errorf("error is %v, want %q", err, test.text)
				}
			}
			if diff := cmp.Diff([]string{"200", "dead"}, first.asked); diff != "" {
				t.Errorf("requests to the first (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, second.asked); diff != "" {
				t.Errorf("requests to the second (-want +got):\n%s", diff)
			}
			salvage.Close()
			wantFiles(t, dir, 0)
		})
	}
}

// What a source has sent in one piece is its own failure, and so is what is wrong
// in a whole that it began anew.
func TestMendNothing(t *testing.T) {
	zip := largeZip(t)
	bad := rotten(zip, 150_000)
	wrong := func() *knowing { return &knowing{sums: verify.Sums{Zip: sumsOf(t, zip, honestMod).Zip, By: dbName}} }
	for _, test := range []struct {
		name, key string
		origin    *zipOrigin
		class     upstream.Class
		asked     []string
	}{
		{"wrong", zipKey, &zipOrigin{content: bad, etag: `"a"`}, upstream.Untrusted, []string{"200"}},
		{"no zip", zipKey, &zipOrigin{content: "<html>", etag: `"a"`}, upstream.Unavailable, []string{"200"}},
		{"no go.mod", modKey, &zipOrigin{content: "<html>", etag: `"a"`}, upstream.Unavailable, []string{"200"}},
		{"dead", zipKey, &zipOrigin{dead: true}, upstream.Unavailable, []string{"dead"}},
		{"begun anew", zipKey, &zipOrigin{content: bad, etag: `"a"`, breaks: []int64{100_000}, turn: func(o *zipOrigin, n int) {
			if n == 1 {
				o.etag = `"b"`
			}
		}}, upstream.Untrusted, []string{"200", `100000- if "a": 200`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := mended(test.origin.source(t, "proxy.example"), dir).Fetch(asking(t.Context(), wrong()), request(t, test.key))
			wantBlame(t, err, test.class, "proxy.example")
			if diff := cmp.Diff(test.asked, test.origin.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// Two states of one file at one source, which says that they are the same.
func TestMendOneSource(t *testing.T) {
	zip := largeZip(t)
	name := len(zip) - 22 - 20 // in the name of the last file, in the directory at the end
	for text, test := range map[string]struct {
		rotten, breaks int
		verifier       *knowing
	}{
		"wrong by its sum":  {50_000, 100_000, &knowing{sums: verify.Sums{Zip: sumsOf(t, zip, honestMod).Zip, By: dbName}}},
		"wrong in its form": {name, name + 10, &knowing{err: io.ErrUnexpectedEOF}},
	} {
		dir := t.TempDir()
		o := &zipOrigin{content: rotten(zip, test.rotten), etag: `"a"`, breaks: []int64{int64(test.breaks)}}
		o.turn = func(o *zipOrigin, n int) {
			if n == 1 {
				o.content = zip
			}
		}
		resp, err := mended(o.source(t, "proxy.example"), dir).Fetch(asking(t.Context(), test.verifier), request(t, zipKey))
		wantContent(t, resp, err, zip)
		onwards := fmt.Sprintf(`%d- if "a": 206`, test.breaks)
		if diff := cmp.Diff([]string{"200", onwards, "200"}, o.asked); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", text, diff)
		}
		wantFiles(t, dir, 0)
	}
}

// The clean download takes nothing from the Salvage and leaves nothing there.
func TestMendLeavesTheSalvage(t *testing.T) {
	zip := largeZip(t)
	dir := t.TempDir()
	req := request(t, zipKey)
	ctx, salvage := verify.WithSalvage(t.Context(), req)
	o := &zipOrigin{content: rotten(zip, 50_000), etag: `"a"`, breaks: []int64{100_000, 1 << 40, 200_000}}
	ctx = asking(ctx, &knowing{sums: verify.Sums{Zip: sumsOf(t, zip, honestMod).Zip, By: dbName}})
	_, err := mended(o.source(t, "proxy.example"), dir).Fetch(ctx, req)
	wantBlame(t, err, upstream.Unavailable, "proxy.example")
	wantFiles(t, dir, 0)
	salvage.Close()
}

// What nobody can compare with a checksum is not left put together from pieces,
// and that is not the source's failure.
func TestMendWithoutAnswer(t *testing.T) {
	zip := largeZip(t)
	for _, test := range []struct {
		name   string
		breaks []int64
		asked  []string
		pieces bool // it comes in
	}{
		{"whole", nil, []string{"200"}, false},
		{"from pieces", []int64{100_000}, []string{"200", `100000- if "a": 206`, "200"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			o := &zipOrigin{content: zip, etag: `"a"`, breaks: test.breaks}
			var errs []error // before Mend
			seen := func(next upstream.Upstream) upstream.Upstream {
				return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
					resp, err := next.Fetch(ctx, req)
					errs = append(errs, err)
					return resp, err
				})
			}
			u := upstream.Chain(checked(o.source(t, "proxy.example"), dir), verify.Mend(), seen)
			ctx := asking(t.Context(), &knowing{err: &upstream.Error{Source: dbName}})
			resp, err := u.Fetch(ctx, request(t, zipKey))
			if err == nil && resp.Verified != verify.ByStructure {
				t.Errorf("verified by %q", resp.Verified)
			}
			wantContent(t, resp, err, zip)
			if test.pieces {
				wantBlame(t, errs[0], upstream.Unavailable, "")
			}
			if diff := cmp.Diff(test.asked, o.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// A caller who has gone is not fetched anything for.
func TestMendForNobody(t *testing.T) {
	zip := largeZip(t)
	o := &zipOrigin{content: zip, etag: `"a"`, breaks: []int64{100_000}}
	ctx, cancel := context.WithCancel(t.Context())
	gone := func(next upstream.Upstream) upstream.Upstream {
		return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			resp, err := next.Fetch(ctx, req)
			if err == nil {
				resp.Body.Close()
				cancel()
				err = &upstream.Error{Class: upstream.Untrusted, Request: req}
			}
			return nil, err
		})
	}
	u := upstream.Chain(o.source(t, "proxy.example"), verify.Mend(), gone, verify.Spooled(nil))
	if _, err := u.Fetch(ctx, request(t, zipKey)); upstream.ClassOf(err) != upstream.Untrusted {
		t.Errorf("error is %v", err)
	}
	if diff := cmp.Diff([]string{"200", `100000- if "a": 206`}, o.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
