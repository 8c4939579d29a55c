package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// streamWith serves a Client over these sources, one asked after the other, by a handler
// with these options and inside of wrap, and returns where it keeps its files.
func streamWith(t *testing.T, zip []byte, opts fetch.HandlerOptions, wrap func(http.Handler) http.Handler, sources ...upstream.Upstream) (url, dir string, c *fetch.Client) {
	t.Helper()
	var steps []upstream.Step
	for _, s := range sources {
		steps = append(steps, upstream.Step{Upstream: s, OnAnyError: true})
	}
	dir = t.TempDir()
	c = newClient(t, fetch.Options{Upstream: upstream.Fallback(steps...), GoSum: vouch(t, zip), CacheDir: dir})
	opts.Stream = true
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h := fetch.NewHandler(c, &opts)
	if wrap != nil {
		h = wrap(h)
	}
	return serve(t, h) + "/" + largeKey, dir, c
}

// plainWriter is what many a middleware makes of a ResponseWriter: it can neither
// flush nor be unwrapped.
type plainWriter struct{ w http.ResponseWriter }

func (w plainWriter) Header() http.Header         { return w.w.Header() }
func (w plainWriter) WriteHeader(code int)        { w.w.WriteHeader(code) }
func (w plainWriter) Write(p []byte) (int, error) { return w.w.Write(p) }

// Middleware that cannot flush makes a stream slower, and does not break it.
func TestStreamThroughWhatCannotFlush(t *testing.T) {
	zip := largeZip(t, 1)
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"no Flush": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plainWriter{w}, r) })
		},
		"http.TimeoutHandler": func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") },
	} {
		source := newTap("source", zip, 400<<10)
		time.AfterFunc(100*time.Millisecond, func() { close(source.open) })
		url, _, _ := streamWith(t, zip, fetch.HandlerOptions{}, wrap, source)
		resp, err := http.Get(url)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(body, zip) {
			t.Errorf("%s: %d of %d bytes: %v", name, len(body), len(zip), err)
		}
	}
}

type panickingWriter struct{ http.ResponseWriter }

func (w panickingWriter) Write(p []byte) (int, error) { panic(http.ErrAbortHandler) }

// A panic in the embedder's ResponseWriter is the server's to recover from, as it is
// without Stream: it must not end the program.
func TestPanickingWriterEndsNotTheProgram(t *testing.T) {
	if os.Getenv("ATTACK_PANIC") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "ATTACK_PANIC=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the program ended: %v\n%.1500s", err, out)
		}
		return
	}
	zip := largeZip(t, 1)
	source := newTap("source", zip, 400<<10)
	time.AfterFunc(100*time.Millisecond, func() { close(source.open) })
	url, _, _ := streamWith(t, zip, fetch.HandlerOptions{}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(panickingWriter{w}, r) })
	}, source)
	if resp, err := http.Get(url); err == nil {
		resp.Body.Close()
		t.Error("an answer came")
	}
}

// records takes what the handler tells of its answers.
type records struct {
	mu    sync.Mutex
	audit []audit.Record
	acc   []fetch.Access
	done  chan struct{}
}

func newRecords() *records { return &records{done: make(chan struct{}, 10)} }

func (r *records) options() fetch.HandlerOptions {
	return fetch.HandlerOptions{
		Audit: func(_ context.Context, a audit.Record) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.audit = append(r.audit, a)
		},
		Access: func(_ context.Context, a fetch.Access) {
			r.mu.Lock()
			r.acc = append(r.acc, a)
			r.mu.Unlock()
			r.done <- struct{}{}
		},
	}
}

// refusing is a source that answers with an error.
type refusing struct{ class upstream.Class }

func (refusing) Name() string { return "refusing" }

func (s refusing) Fetch(_ context.Context, req upstream.Request) (*upstream.Response, error) {
	return nil, &upstream.Error{Class: s.class, Request: req, Source: "refusing", Err: errors.New("no")}
}

// What was handed out is told of, also where it broke off: "a zip was handed out if any
// byte of it was sent" (audit.WriteCycloneDX), with the status that the client saw.
func TestAuditOfABrokenStream(t *testing.T) {
	zip := largeZip(t, 1)
	broken := func() *tap {
		s := newTap("broken", zip, 400<<10)
		s.fails = io.ErrUnexpectedEOF
		return s
	}
	for name, setup := range map[string]func() (goSum []byte, first *tap, next []upstream.Upstream){
		"not the module": func() ([]byte, *tap, []upstream.Upstream) {
			return largeZip(t, 2), newTap("evil", zip, 400<<10), nil
		},
		"broke off": func() ([]byte, *tap, []upstream.Upstream) { return zip, broken(), nil },
		"then denied": func() ([]byte, *tap, []upstream.Upstream) {
			return zip, broken(), []upstream.Upstream{refusing{upstream.Denied}}
		},
	} {
		goSum, first, next := setup()
		rec := newRecords()
		url, _, _ := streamWith(t, goSum, rec.options(), nil, append([]upstream.Upstream{first}, next...)...)
		resp, _ := begin(t, url, 100<<10)
		close(first.open)
		io.Copy(io.Discard, resp.Body)
		<-rec.done
		rec.mu.Lock()
		if a := rec.acc[0]; a.Status != 200 || a.Sent < 100<<10 || !a.Broken {
			t.Errorf("%s: access: status %d, %d bytes, broken %v", name, a.Status, a.Sent, a.Broken)
		}
		if len(rec.audit) != 1 {
			t.Errorf("%s: %d audit records of what was handed out in part, want 1", name, len(rec.audit))
		} else if a := rec.audit[0]; a.Status != 200 || a.Sent < 100<<10 {
			t.Errorf("%s: audit: status %d, %d bytes sent; the client saw 200 and got more than 100 KiB", name, a.Status, a.Sent)
		}
		rec.mu.Unlock()
	}
}

// If what was begun is another file than what was verified, the log says so, and no
// record says that bytes of the one were of the other.
func TestWhatIsSaidOfAnotherFile(t *testing.T) {
	zip, other := largeZip(t, 1), largeZip(t, 2)
	bad, good := newTap("bad", other, 400<<10), newTap("good", zip, len(zip))
	var log bytes.Buffer
	rec := newRecords()
	opts := rec.options()
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	url, _, _ := streamWith(t, zip, opts, nil, bad, good)
	resp, _ := begin(t, url, 100<<10)
	close(bad.open)
	close(good.open)
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("it did not break off")
	}
	<-rec.done
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !strings.Contains(log.String(), "another file") {
		t.Errorf("the log does not say why the connection broke: %q", log.String())
	}
	for _, a := range rec.audit {
		if a.Sent > 0 && a.SHA256 != "" {
			t.Errorf("audit: %d bytes of the zip with %s, verified by %q, from %s; they were of another one, unverified, from bad", a.Sent, a.SHA256, a.Verified, a.Source)
		}
	}
}

// The log has the status that the client saw.
func TestLogOfABrokenStream(t *testing.T) {
	var log bytes.Buffer
	rec := newRecords()
	opts := rec.options()
	opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	evil := newTap("evil", largeZip(t, 1), 400<<10)
	url, _, _ := streamWith(t, largeZip(t, 2), opts, nil, evil)
	resp, _ := begin(t, url, 100<<10)
	close(evil.open)
	io.Copy(io.Discard, resp.Body)
	<-rec.done
	if !strings.Contains(log.String(), "status=200") {
		t.Errorf("the client saw 200, the log says: %s", log.String())
	}
}

// spools returns the temporary files in a store's directory.
func spools(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "spool-") {
			found = append(found, d.Name())
		}
		return nil
	})
	return found
}

// panickingAfter is a Fetcher around another that panics when that has answered.
type panickingAfter struct{ fetch.Fetcher }

func (p panickingAfter) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	resp, err := p.Fetcher.Fetch(ctx, req)
	if err == nil {
		resp.Body.Close()
	}
	panic(http.ErrAbortHandler)
}

// A Fetcher that panics leaves no file behind.
func TestPanickingFetcherLeavesNothing(t *testing.T) {
	evil := newTap("evil", largeZip(t, 1), 400<<10)
	dir := t.TempDir()
	c := newClient(t, fetch.Options{Upstream: evil, GoSum: vouch(t, largeZip(t, 2)), CacheDir: dir})
	url := serve(t, fetch.NewHandler(panickingAfter{c}, relaying)) + "/" + largeKey
	resp, _ := begin(t, url, 100<<10)
	close(evil.open)
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("it did not break off")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	time.Sleep(200 * time.Millisecond)
	if diff := cmp.Diff([]string(nil), spools(t, dir)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

// The same without a panic, as a proof of the test.
func TestFailedStreamLeavesNothing(t *testing.T) {
	evil := newTap("evil", largeZip(t, 1), 400<<10)
	url, dir, c := streamWith(t, largeZip(t, 2), fetch.HandlerOptions{}, nil, evil)
	resp, _ := begin(t, url, 100<<10)
	close(evil.open)
	io.Copy(io.Discard, resp.Body)
	c.Close()
	time.Sleep(200 * time.Millisecond)
	if diff := cmp.Diff([]string(nil), spools(t, dir)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}
