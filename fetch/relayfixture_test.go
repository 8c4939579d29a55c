package fetch_test

import (
	archive "archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

const largeKey = "example.com/large/@v/v1.0.0.zip"

// largeZip returns a module zip that does not compress; the same seed gives the same.
func largeZip(t *testing.T, seed uint64, more ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := archive.NewWriter(&b)
	random := rand.NewChaCha8([32]byte{byte(seed)})
	files := []string{"go.mod", "module example.com/large\n", "a.bin", "", "b.bin", ""}
	files = append(files, more...)
	for i := 0; i < len(files); i += 2 {
		f, err := w.CreateHeader(&archive.FileHeader{Name: "example.com/large@v1.0.0/" + files[i], Method: archive.Store})
		if err != nil {
			t.Fatal(err)
		}
		if files[i+1] != "" {
			io.WriteString(f, files[i+1])
		} else {
			io.CopyN(f, random, 300<<10)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// vouch returns a go.sum file that says what the zip must hash to.
func vouch(t *testing.T, zip []byte) *verify.GoSum {
	t.Helper()
	hash, err := verify.HashZip(bytes.NewReader(zip), int64(len(zip)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := verify.ParseGoSum("go.sum", fmt.Appendf(nil, "example.com/large v1.0.0 %s\n", hash))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A tap is a source that sends the zip up to a place, and the rest, or an end, when it
// is told to.
type tap struct {
	name    string
	content []byte
	until   int
	unknown bool  // it does not say how much there is
	fails   error // after until
	open    chan struct{}
}

func newTap(name string, content []byte, until int) *tap {
	return &tap{name: name, content: content, until: until, open: make(chan struct{})}
}

func (s *tap) Name() string { return s.name }

func (s *tap) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if req.Key() != largeKey {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.name}
	}
	body, w := io.Pipe()
	go func() {
		w.Write(s.content[:s.until])
		select {
		case <-s.open:
		case <-ctx.Done():
		}
		if s.fails != nil {
			w.CloseWithError(s.fails)
			return
		}
		w.Write(s.content[s.until:])
		w.Close()
	}()
	size := int64(len(s.content))
	if s.unknown {
		size = -1
	}
	return &upstream.Response{Body: body, Size: size, Source: s.name}, nil
}

// stream serves a Client over these sources, one asked after the other, that sends
// before it has verified.
func stream(t *testing.T, goSum *verify.GoSum, sources ...*tap) (url string, c *fetch.Client) {
	t.Helper()
	var steps []upstream.Step
	for _, s := range sources {
		steps = append(steps, upstream.Step{Upstream: s, OnAnyError: true})
	}
	c = newClient(t, fetch.Options{Upstream: upstream.Fallback(steps...), GoSum: goSum, CacheDir: t.TempDir()})
	return serve(t, fetch.NewHandler(c, relaying)) + "/" + largeKey, c
}

var relaying = &fetch.HandlerOptions{Stream: true, Logger: slog.New(slog.DiscardHandler)}

// begin asks for the zip and reads the first n bytes of it.
func begin(t *testing.T, url string, n int) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	head := make([]byte, n)
	if _, err := io.ReadFull(resp.Body, head); err != nil {
		t.Fatal(err)
	}
	return resp, head
}
