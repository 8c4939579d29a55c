package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// endless is a body that never ends by itself.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// sized returns a transport whose bodies have size bytes, of which the header
// claims to know.
func sized(size, claimed int64) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		resp := answer(r, 200, "")
		resp.Body = io.NopCloser(io.LimitReader(endless{}, size))
		resp.ContentLength = claimed
		return resp, nil
	}
}

func TestHTTPBodySize(t *testing.T) {
	req := request(t, "a.b/c/@latest")
	limit := req.Kind().MaxSize()
	tests := []struct {
		name          string
		size, claimed int64
		fetches, ends bool
	}{
		{"just fits", limit, limit, true, true},
		{"just fits, unannounced", limit, -1, true, true},
		{"too large", limit + 1, limit + 1, false, false},
		{"too large by far", 1 << 50, 1 << 50, false, false},
		{"too large, unannounced", limit + 1, -1, true, false},
		{"endless", 1 << 50, -1, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp, err := over(t, "https://proxy.example", sized(test.size, test.claimed)).Fetch(t.Context(), req)
			if (err == nil) != test.fetches {
				t.Fatalf("Fetch: %v", err)
			}
			if err == nil {
				if resp.Size != test.claimed {
					t.Errorf("Size is %d, want %d", resp.Size, test.claimed)
				}
				var body string
				body, err = readBody(resp)
				if int64(len(body)) > limit {
					t.Errorf("%d bytes were handed out, more than the limit of %d", len(body), limit)
				}
				if (err == nil) != test.ends {
					t.Errorf("body ended with %v", err)
				}
			}
			if err != nil {
				if e := wantError(t, err, upstream.Unavailable); !strings.Contains(e.Error(), "larger than") || e.Request != req {
					t.Errorf("error says %q", e)
				}
			}
		})
	}
}

func TestHTTPContentEncoding(t *testing.T) {
	for encoding, fine := range map[string]bool{"": true, "identity": true, "Identity": true, "gzip": false, "br": false, "\x1b[31m": false} {
		_, err := over(t, "https://proxy.example", always(200, "x", "Content-Encoding", encoding)).Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if fine {
			if err != nil {
				t.Errorf("encoding %q: %v", encoding, err)
			}
			continue
		}
		if e := wantError(t, err, upstream.Unavailable); !strings.Contains(e.Error(), "Content-Encoding") || !isPrintable(e.Error()) {
			t.Errorf("encoding %q: error says %q", encoding, e)
		}
	}
}

// raw starts a server that answers with bytes and hangs up.
func raw(t *testing.T, response string) upstream.Upstream {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, response)
		conn.Close()
	}))
	t.Cleanup(server.Close)
	return newHTTP(t, server.URL, nil)
}

func TestHTTPTruncatedBody(t *testing.T) {
	for name, response := range map[string]string{
		"length":        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"length, empty": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
		"chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"inside chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			u := raw(t, response)
			req := request(t, "a.b/c/@latest")
			resp, err := u.Fetch(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := readBody(resp)
			e := wantError(t, err, upstream.Unavailable)
			if e.Request != req || e.Source != upstream.Name(u) || !errors.Is(err, io.ErrUnexpectedEOF) || len(body) > 3 {
				t.Errorf("after %q: error is %v", body, err)
			}
		})
	}
}

func TestHTTPHangsUpBeforeItAnswers(t *testing.T) {
	_, err := raw(t, "HTTP/1.1 200").Fetch(t.Context(), request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable)
}

func TestHTTPBodyAfterClose(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.CopyN(w, endless{}, 1<<20)
	}))
	defer server.Close()
	resp, err := newHTTP(t, server.URL, nil).Fetch(t.Context(), request(t, "a.b/c/@v/list"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	resp.Body.Close()
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("Read after Close gives %d bytes, error %v", n, err)
	} else {
		wantError(t, err, upstream.Unavailable)
	}
}

func TestHTTPCallerLeavesTheBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "abc")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	why := errors.New("the caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	resp, err := newHTTP(t, server.URL, nil).Fetch(ctx, request(t, "a.b/c/@latest"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	_, err = resp.Body.Read(make([]byte, 1))
	if wantError(t, err, upstream.Canceled); !errors.Is(err, why) {
		t.Errorf("error is %v, want its cause to be the caller's", err)
	}
}

// Closing a body is how a Read in another goroutine is ended.
func TestHTTPCloseEndsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := served(t, upstream.HTTPOptions{}, trickle(1, 0, true)).Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := io.ReadAll(resp.Body)
			ended <- err
		}()
		synctest.Wait() // until the Read waits for a byte
		start := time.Now()
		resp.Body.Close()
		wantError(t, <-ended, upstream.Unavailable)
		if took := time.Since(start); took != 0 {
			t.Errorf("the Read went on for %v", took)
		}
	})
}
