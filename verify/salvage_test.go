package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// What one source has left, the next one goes on with, if it has the same.
func TestSalvage(t *testing.T) {
	content, other := noise(300_000), noise(600_000)[300_000:]
	for _, test := range []struct {
		name    string
		breaks  []int64 // at the first source, which is dead then
		content string  // at the second
		etag    string
		asked   []string // of the second
		sent    int64    // by the second
	}{
		{"the same", []int64{200_000}, content, `"a"`, []string{`200000- if "a": 206`}, 100_000},
		{"after two pieces", []int64{100_000, 100_000}, content, `"a"`, []string{`200000- if "a": 206`}, 100_000},
		{"too little", []int64{64<<10 - 1}, content, `"a"`, []string{"200"}, 300_000},
		{"another", []int64{200_000}, other, `"b"`, []string{`200000- if "a": 200`}, 300_000},
		{"of another length", []int64{200_000}, content[:250_000], `"a"`, []string{`200000- if "a": 206`, "200"}, 250_000},
		{"shorter than what is there", []int64{200_000}, content[:150_000], `"a"`, []string{`200000- if "a": 416`, "200"}, 150_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			first := &zipOrigin{content: content, etag: `"a"`, breaks: test.breaks}
			first.turn = func(o *zipOrigin, n int) { o.dead = n == len(test.breaks) }
			second := &zipOrigin{content: test.content, etag: test.etag}
			req := request(t, zipKey)
			ctx, salvage := verify.WithSalvage(t.Context(), req)
			_, err := spooledIn(dir, first.source(t, "first.example"), verify.SpoolOptions{}).Fetch(ctx, req)
			wantBlame(t, err, upstream.Unavailable, "first.example")
			resp, err := spooledIn(dir, second.source(t, "second.example"), verify.SpoolOptions{}).Fetch(ctx, req)
			if err == nil && resp.Source != "second.example" {
				t.Errorf("source is %q", resp.Source)
			}
			wantContent(t, resp, err, test.content)
			if diff := cmp.Diff(test.asked, second.asked); diff != "" {
				t.Errorf("requests to the second (-want +got):\n%s", diff)
			}
			if texts := int64(100); second.sent < test.sent || second.sent > test.sent+texts { // an error has some
				t.Errorf("the second sent %d bytes, want %d", second.sent, test.sent)
			}
			salvage.Close()
			wantFiles(t, dir, 0)
		})
	}
}

// A step is a call to a source in a salvage.
type step struct {
	source *zipOrigin
	ok     bool
	asked  string // by the last request
}

// What there is stays until somebody has more of it, whoever fails meanwhile.
func TestSalvageSteps(t *testing.T) {
	content, other := noise(300_000), noise(600_000)[300_000:]
	at := func(breaks ...int64) *zipOrigin {
		return &zipOrigin{content: content, etag: `"a"`, breaks: breaks}
	}
	dead := &zipOrigin{dead: true}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"one does not answer", []step{{at(200_000), false, "200"}, {dead, false, "dead"}, {at(), true, `200000- if "a": 206`}}},
		{"one adds to it", []step{{at(100_000), false, "200"}, {at(50_000), false, `100000- if "a": 206`}, {at(), true, `150000- if "a": 206`}}},
		{"one adds nothing", []step{{at(100_000), false, "200"}, {at(0), false, `100000- if "a": 206`}, {at(), true, `100000- if "a": 206`}}},
		{"one has another, and less", []step{{at(200_000), false, "200"},
			{&zipOrigin{content: other, etag: `"b"`, breaks: []int64{100_000}}, false, `200000- if "a": 200`}, {at(), true, `200000- if "a": 206`}}},
		{"one has another, and as much", []step{{at(200_000), false, "200"},
			{&zipOrigin{content: other, etag: `"b"`, breaks: []int64{200_000}}, false, `200000- if "a": 200`}, {at(), true, `200000- if "a": 206`}}},
		{"one has another, and more", []step{{at(100_000), false, "200"},
			{&zipOrigin{content: other, etag: `"b"`, breaks: []int64{200_000}}, false, `100000- if "a": 200`}, {at(), true, `200000- if "b": 200`}}},
		{"it is gone once it was used", []step{{at(200_000), false, "200"}, {at(), true, `200000- if "a": 206`}, {at(), true, "200"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			req := request(t, zipKey)
			ctx, salvage := verify.WithSalvage(t.Context(), req)
			for i, step := range test.steps {
				u := spooledIn(dir, step.source.source(t, fmt.Sprintf("mirror%d.example", i)), verify.SpoolOptions{Resumes: -1})
				resp, err := u.Fetch(ctx, req)
				if step.ok {
					wantContent(t, resp, err, step.source.content)
				} else if err == nil {
					t.Fatalf("step %d: no error", i)
				}
				if got := step.source.asked[len(step.source.asked)-1]; got != step.asked {
					t.Errorf("step %d: asked %q, want %q", i, got, step.asked)
				}
				step.source.asked = nil
			}
			salvage.Close()
			wantFiles(t, dir, 0)
		})
	}
}

// A source that was asked to go on and brought nothing is asked for the whole
// from then on; others still go on.
func TestSalvageInVain(t *testing.T) {
	const onwards = `100000- if "a": `
	for _, test := range []struct {
		name   string
		breaks []int64
		refuse int
		dead   int // the request at which it is
		asked  string
	}{
		{"resets", []int64{100_000}, 0, 1, "dead"},
		{"408", []int64{100_000}, 408, 0, onwards + "408"},
		{"429", []int64{100_000}, 429, 0, onwards + "429"},
		{"502", []int64{100_000}, 502, 0, onwards + "502"},
		{"503", []int64{100_000}, 503, 0, onwards + "503"},
		{"504", []int64{100_000}, 504, 0, onwards + "504"},
		{"sends nothing", []int64{100_000, 0}, 0, 0, onwards + "206"},
	} {
		for name, ctx := range sureAndUnsure(t) {
			for _, resumes := range []int{5, -1} { // in the same try, or in the next one
				t.Run(fmt.Sprintf("%s, %s, %d", test.name, name, resumes), func(t *testing.T) {
					dir := t.TempDir()
					content := noise(300_000)
					o := &zipOrigin{content: content, etag: `"a"`, breaks: test.breaks, refuse: test.refuse}
					o.turn = func(o *zipOrigin, n int) { o.dead = n > 0 && n == test.dead }
					req := request(t, zipKey)
					ctx, salvage := verify.WithSalvage(ctx, req)
					u := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{Resumes: resumes})
					for len(o.asked) < 2 {
						if _, err := u.Fetch(ctx, req); err == nil {
							t.Fatal("no error")
						}
					}
					resp, err := u.Fetch(ctx, req)
					wantContent(t, resp, err, content)
					if diff := cmp.Diff([]string{"200", test.asked, "200"}, o.asked); diff != "" {
						t.Errorf("requests (-want +got):\n%s", diff)
					}
					other := &zipOrigin{content: content, etag: `"a"`}
					resp, err = spooledIn(dir, other.source(t, "other.example"), verify.SpoolOptions{}).Fetch(ctx, req)
					wantContent(t, resp, err, content)
					if diff := cmp.Diff([]string{onwards + "206"}, other.asked); diff != "" {
						t.Errorf("requests to the other (-want +got):\n%s", diff)
					}
					salvage.Close()
					wantFiles(t, dir, 0)
				})
			}
		}
	}
}

// A call that was given up while its source went on says nothing about the source.
func TestSalvageGivenUp(t *testing.T) {
	req := request(t, zipKey)
	ctx, salvage := verify.WithSalvage(t.Context(), req)
	defer salvage.Close()
	gone, cancel := context.WithCancel(ctx)
	o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}}
	o.turn = func(o *zipOrigin, n int) {
		if o.dead = n == 1; o.dead {
			cancel()
		}
	}
	u := spooledIn(t.TempDir(), o.source(t, "proxy.example"), verify.SpoolOptions{})
	_, err := u.Fetch(gone, req)
	wantBlame(t, err, upstream.Canceled, "proxy.example")
	resp, err := u.Fetch(ctx, req)
	wantContent(t, resp, err, o.content)
	if diff := cmp.Diff([]string{"200", "dead", `100000- if "a": 206`}, o.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// That two files are of the same date does not make them the same: without a
// checksum, only the source that a piece is from goes on with it.
func TestSalvageByDate(t *testing.T) {
	longAgo := time.Now().Add(-time.Hour)
	onwards := "200000- if " + longAgo.UTC().Format(http.TimeFormat) + ": 206"
	content := noise(300_000)
	for _, test := range []struct {
		name, next, context string
		asked               string
	}{
		{"the same source", "first.example", unsure, onwards},
		{"the same source", "first.example", sure, onwards},
		{"another source", "second.example", unsure, "200"},
		{"another source", "second.example", sure, onwards},
	} {
		t.Run(test.name+", "+test.context, func(t *testing.T) {
			dir := t.TempDir()
			req := request(t, zipKey)
			ctx, salvage := verify.WithSalvage(sureAndUnsure(t)[test.context], req)
			first := &zipOrigin{content: content, modTime: longAgo, breaks: []int64{200_000}}
			_, err := spooledIn(dir, first.source(t, "first.example"), verify.SpoolOptions{Resumes: -1}).Fetch(ctx, req)
			wantBlame(t, err, upstream.Unavailable, "first.example")
			next := &zipOrigin{content: content, modTime: longAgo}
			resp, err := spooledIn(dir, next.source(t, test.next), verify.SpoolOptions{}).Fetch(ctx, req)
			wantContent(t, resp, err, content)
			if diff := cmp.Diff([]string{test.asked}, next.asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			salvage.Close()
			wantFiles(t, dir, 0)
		})
	}
}

// A Salvage that is closed takes nothing and gives nothing.
func TestSalvageClosed(t *testing.T) {
	for _, early := range []bool{false, true} {
		dir := t.TempDir()
		req := request(t, zipKey)
		ctx, salvage := verify.WithSalvage(t.Context(), req)
		if early {
			salvage.Close()
		}
		o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}}
		u := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{Resumes: -1})
		if _, err := u.Fetch(ctx, req); err == nil {
			t.Fatal("it did not break off")
		}
		wantFiles(t, dir, map[bool]int{false: 1, true: 0}[early])
		salvage.Close()
		salvage.Close()
		wantFiles(t, dir, 0)
		resp, err := u.Fetch(ctx, req)
		wantContent(t, resp, err, o.content)
		if diff := cmp.Diff([]string{"200", "200"}, o.asked); diff != "" {
			t.Errorf("closed early: %t: requests (-want +got):\n%s", early, diff)
		}
		wantFiles(t, dir, 0)
	}
}

// A Salvage is for one file.
func TestSalvageOfAnotherFile(t *testing.T) {
	dir := t.TempDir()
	ctx, salvage := verify.WithSalvage(t.Context(), request(t, zipKey))
	o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000, 100_000}}
	u := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{Resumes: -1})
	for _, key := range []string{zipKey, "a.example/m/@v/v1.0.1.zip"} {
		if _, err := u.Fetch(ctx, request(t, key)); err == nil {
			t.Fatal("it did not break off")
		}
	}
	if diff := cmp.Diff([]string{"200", "200"}, o.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantFiles(t, dir, 1) // the first one's
	salvage.Close()
	wantFiles(t, dir, 0)
}

// Many may use one Salvage at the same time, and only one gets what is there.
func TestSalvageManyAtOnce(t *testing.T) {
	const many = 32
	dir := t.TempDir()
	req := request(t, zipKey)
	ctx, salvage := verify.WithSalvage(t.Context(), req)
	o := &zipOrigin{content: noise(300_000), etag: `"a"`}
	for i := range int64(many) {
		o.breaks = append(o.breaks, 70_000+i*1000)
	}
	u := spooledIn(dir, o.source(t, "proxy.example"), verify.SpoolOptions{Resumes: -1})
	var all sync.WaitGroup
	for range 2 * many {
		all.Go(func() {
			if resp, err := u.Fetch(ctx, req); err == nil {
				wantContent(t, resp, err, o.content)
			}
		})
	}
	all.Wait()
	salvage.Close()
	wantFiles(t, dir, 0)
}
