package verify_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A zipOrigin is a module proxy in the process that serves one file, with ranges,
// over connections that break.
type zipOrigin struct {
	content string
	etag    string
	modTime time.Time
	dead    bool    // it cannot be reached
	breaks  []int64 // after how many bytes the next answers break off
	stalls  bool    // instead, nothing more comes
	refuse  int     // the status with which ranges are refused
	turn    func(o *zipOrigin, n int)
	edit    func(resp *http.Response) // of a partial one

	mu     sync.Mutex
	asked  []string // `from the byte, if "validator": status`
	sent   int64    // bytes of bodies
	bodies int      // that are open
}

func (o *zipOrigin) source(t testing.TB, name string) upstream.Upstream {
	t.Helper()
	u, err := upstream.NewHTTP("https://"+name, &upstream.HTTPOptions{Name: name, Transport: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if o.bodies != 0 {
			t.Errorf("%s: %d bodies are open", name, o.bodies)
		}
	})
	return u
}

func (o *zipOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.turn != nil {
		o.turn(o, len(o.asked))
	}
	if o.dead {
		o.asked = append(o.asked, "dead")
		return nil, io.ErrUnexpectedEOF
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if o.etag != "" {
		w.Header().Set("ETag", o.etag)
	}
	http.ServeContent(w, r, "", o.modTime, strings.NewReader(o.content))
	resp := w.Result()
	if o.refuse != 0 && r.Header.Get("Range") != "" {
		resp = &http.Response{StatusCode: o.refuse, Header: http.Header{}, Body: http.NoBody}
	}
	log := fmt.Sprint(resp.StatusCode)
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		log = fmt.Sprintf("%s if %s: %s", from, r.Header.Get("If-Range"), log)
	}
	o.asked = append(o.asked, log)
	if o.edit != nil && resp.StatusCode == http.StatusPartialContent {
		o.edit(resp)
	}
	o.bodies++
	body := &brokenBody{origin: o, ctx: r.Context(), body: resp.Body, left: 1 << 40}
	if len(o.breaks) > 0 {
		body.left, o.breaks = o.breaks[0], o.breaks[1:]
	}
	resp.Body = body
	return resp, nil
}

// A brokenBody breaks off after some bytes, and counts what is sent.
type brokenBody struct {
	origin *zipOrigin
	ctx    context.Context
	body   io.Reader
	left   int64
	closed bool
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		if b.origin.stalls {
			<-b.ctx.Done()
			return 0, b.ctx.Err()
		}
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.origin.mu.Lock()
	defer b.origin.mu.Unlock()
	b.origin.sent += int64(n)
	return n, err
}

func (b *brokenBody) Close() error {
	b.origin.mu.Lock()
	defer b.origin.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.origin.bodies--
	}
	return nil
}

// spooledIn is a source behind Spooled, whose files are in dir.
func spooledIn(dir string, u upstream.Upstream, opts verify.SpoolOptions) upstream.Upstream {
	opts.New = spoolsIn(dir)
	return verify.Spooled(&opts)(u)
}

// wantContent checks what a call has returned, and closes it.
func wantContent(t testing.TB, resp *upstream.Response, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != want {
		t.Errorf("%d bytes, the right ones: %t, error %v; want %d bytes", len(got), string(got) == want, err, len(want))
	}
	if resp.Size != int64(len(want)) || resp.Offset != 0 {
		t.Errorf("size %d, offset %d; want %d, 0", resp.Size, resp.Offset, len(want))
	}
	digest, err := resp.Body.(*cache.SpoolReader).Spool().Digest()
	if hash := cache.Digest(sha256.Sum256([]byte(want))); err != nil || digest != hash {
		t.Errorf("digest %v, %v; want %v", digest, err, hash)
	}
}
