package fetch_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const endOfZip = "PK\x05\x06"

// A zip is on its way to the client while it is on its way to us.
func TestStream(t *testing.T) {
	zip := largeZip(t, 1)
	for _, unknown := range []bool{false, true} {
		source := newTap("source", zip, 400<<10)
		source.unknown = unknown
		url, c := stream(t, vouch(t, zip), source)
		resp, head := begin(t, url, 300<<10)
		close(source.open)
		rest, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(append(head, rest...), zip) {
			t.Errorf("size unknown %v: %d of %d bytes, or others: %v", unknown, len(head)+len(rest), len(zip), err)
		}
		want := http.Header{
			"Cache-Control": {"max-age=31536000, immutable"}, "Cache-Status": {`breakwater; fwd=miss; detail="source"`},
			"Content-Type": {"application/zip"}, "X-Content-Type-Options": {"nosniff"}, "Date": resp.Header["Date"],
		}
		if !unknown {
			want.Set("Content-Length", resp.Header.Get("Content-Length"))
		}
		if diff := cmp.Diff(want, resp.Header); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		flush(t, c)
		again, _, body := get(t, url)
		if again != 200 || body != string(zip) {
			t.Errorf("from the cache: %d, %d bytes", again, len(body))
		}
	}
}

// What is not verified never gets to its end, and is not stored.
func TestStreamOfWhatIsNotTheModule(t *testing.T) {
	zip, nested := largeZip(t, 1), largeZip(t, 1, "inner.zip", string(largeZip(t, 7)), "c.bin", "")
	for name, content := range map[string][]byte{
		"other content":      largeZip(t, 2),
		"a zip within":       nested,
		"no zip in the end":  append(bytes.Clone(zip[:500<<10]), bytes.Repeat([]byte("x"), 200<<10)...),
		"more after the end": append(bytes.Clone(zip), bytes.Repeat([]byte("x"), 200<<10)...),
	} {
		source := newTap("source", content, 400<<10)
		url, c := stream(t, vouch(t, largeZip(t, 3)), source)
		resp, head := begin(t, url, 100<<10)
		close(source.open)
		rest, err := io.ReadAll(resp.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: it ends with %v, after %d bytes", name, err, len(head)+len(rest))
		}
		got := append(head, rest...)
		if !bytes.HasPrefix(content, got) || bytes.Contains(got, []byte(endOfZip)) {
			t.Errorf("%s: %d bytes were sent, some of which must not", name, len(got))
		}
		if _, err := c.Fetch(upstream.WithOffline(t.Context()), request(t, upstream.Zip, "example.com/large", "v1.0.0")); err == nil {
			t.Errorf("%s: it was stored", name)
		}
	}
}

// A client sees nothing of a source that breaks off, as long as the next one has what
// the first began.
func TestStreamGoesOnWithTheNextSource(t *testing.T) {
	zip := largeZip(t, 1)
	broken := newTap("broken", zip, 400<<10)
	broken.fails = io.ErrUnexpectedEOF
	good := newTap("good", zip, 200<<10)
	url, _ := stream(t, vouch(t, zip), broken, good)
	resp, head := begin(t, url, 300<<10)
	close(broken.open)
	close(good.open)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(append(head, rest...), zip) {
		t.Errorf("%d of %d bytes, or others: %v", len(head)+len(rest), len(zip), err)
	}
}

// What begins as no zip of the module does is not sent: the next source has a chance.
func TestStreamDoesNotBeginWithGarbage(t *testing.T) {
	zip := largeZip(t, 1)
	other := bytes.ReplaceAll(zip, []byte("example.com/large@v1.0.0/"), []byte("example.com/other@v1.0.0/"))
	for name, garbage := range map[string][]byte{"a page": bytes.Repeat([]byte("<html>"), 100<<10), "another module": other} {
		bad, good := newTap("bad", garbage, len(garbage)), newTap("good", zip, len(zip))
		close(bad.open)
		close(good.open)
		url, _ := stream(t, vouch(t, zip), bad, good)
		if code, _, body := get(t, url); code != 200 || body != string(zip) {
			t.Errorf("%s: %d, %d bytes", name, code, len(body))
		}
	}
}

// If the right file is another than the one that was begun, the connection breaks; who
// asks again gets it.
func TestStreamCannotTakeBackWhatItSent(t *testing.T) {
	zip, other := largeZip(t, 1), largeZip(t, 2)
	for name, evil := range map[string][]byte{"of the same size": other, "longer": largeZip(t, 1, "c.bin", "")} {
		bad, good := newTap("bad", evil, 400<<10), newTap("good", zip, len(zip))
		url, c := stream(t, vouch(t, zip), bad, good)
		resp, head := begin(t, url, 100<<10)
		close(bad.open)
		close(good.open)
		rest, err := io.ReadAll(resp.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || bytes.Contains(append(head, rest...), []byte(endOfZip)) {
			t.Errorf("%s: it ends with %v, after %d bytes", name, err, len(head)+len(rest))
		}
		flush(t, c)
		if code, _, body := get(t, url); code != 200 || body != string(zip) {
			t.Errorf("%s: afterwards: %d, %d bytes", name, code, len(body))
		}
	}
}

// Who joins a flight reads what has arrived so far, and goes on with it.
func TestStreamToThoseWhoComeLater(t *testing.T) {
	zip := largeZip(t, 1)
	source := newTap("source", zip, 400<<10)
	url, _ := stream(t, vouch(t, zip), source)
	first, head := begin(t, url, 300<<10)
	second, begun := begin(t, url, 300<<10)
	close(source.open)
	for _, client := range []struct {
		resp *http.Response
		head []byte
	}{{first, head}, {second, begun}} {
		rest, err := io.ReadAll(client.resp.Body)
		if err != nil || !bytes.Equal(append(client.head, rest...), zip) {
			t.Errorf("%d of %d bytes, or others: %v", len(client.head)+len(rest), len(zip), err)
		}
	}
}

// Errors that come before anything was sent are answered as ever.
func TestStreamOfNothing(t *testing.T) {
	broken := newTap("broken", largeZip(t, 1), 10)
	broken.fails = io.ErrUnexpectedEOF
	close(broken.open)
	url, _ := stream(t, nil, broken)
	if code, _, body := get(t, url); code != 502 || !strings.Contains(body, "broke off") {
		t.Errorf("%d: %s", code, body)
	}
	if code, _, _ := get(t, strings.Replace(url, "large", "missing", 1)); code != 404 {
		t.Errorf("of what does not exist: %d", code)
	}
}

// Requests for less than all of a file, and policies that look at zips, wait for the
// whole of it.
func TestStreamWhereItMustNot(t *testing.T) {
	zip := largeZip(t, 1)
	for name, ask := range map[string]func(*http.Request){
		"a part":      func(r *http.Request) { r.Header.Set("Range", "bytes=0-9") },
		"conditional": func(r *http.Request) { r.Header.Set("If-None-Match", `"x"`) },
		"HEAD":        func(r *http.Request) { r.Method = http.MethodHead },
		"policy":      nil,
	} {
		t.Run(name, func(t *testing.T) {
			source := newTap("source", zip, len(zip))
			close(source.open)
			wrong := vouch(t, largeZip(t, 2))
			c := newClient(t, fetch.Options{Upstream: source, GoSum: wrong, CacheDir: t.TempDir()})
			var f fetch.Fetcher = c
			if ask == nil {
				ask = func(*http.Request) {}
				p, err := (&fetch.Policy{MaxZipSize: 1 << 30}).Wrap(c)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				f = p
			}
			req, err := http.NewRequest(http.MethodGet, serve(t, fetch.NewHandler(f, relaying))+"/"+largeKey, nil)
			if err != nil {
				t.Fatal(err)
			}
			ask(req)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != 502 {
				t.Errorf("status %d, want 502", resp.StatusCode)
			}
		})
	}
}

// A client that goes away ends its part only.
func TestStreamToOneWhoLeaves(t *testing.T) {
	zip := largeZip(t, 1)
	source := newTap("source", zip, 400<<10)
	url, _ := stream(t, vouch(t, zip), source)
	gone, _ := begin(t, url, 100<<10)
	stays, head := begin(t, url, 100<<10)
	gone.Body.Close()
	close(source.open)
	rest, err := io.ReadAll(stays.Body)
	if err != nil || !bytes.Equal(append(head, rest...), zip) {
		t.Errorf("%d of %d bytes, or others: %v", len(head)+len(rest), len(zip), err)
	}
}
