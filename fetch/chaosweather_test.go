package fetch_test

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// blackHole answers nothing.
func blackHole(_ *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
	<-r.Context().Done()
	return w, true
}

// statusOf answers with a status, and perhaps a Retry-After in seconds.
func statusOf(code, retryAfter int) weather {
	return func(_ *mirror, w http.ResponseWriter, _ *http.Request) (http.ResponseWriter, bool) {
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		}
		w.WriteHeader(code)
		return w, true
	}
}

// sometimes is weather for a part of the requests.
func sometimes(part float64, bad weather) weather {
	return func(m *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
		if m.draw() < part {
			return bad(m, w, r)
		}
		return w, false
	}
}

// truncated breaks the connection off after half of the body.
func truncated(m *mirror, w http.ResponseWriter, _ *http.Request) (http.ResponseWriter, bool) {
	return &cutWriter{ResponseWriter: w, part: m.draw()}, false
}

// cutWriter writes a part of the announced body, and aborts.
type cutWriter struct {
	http.ResponseWriter
	part float64
	left int
	set  bool
}

func (w *cutWriter) Write(p []byte) (int, error) {
	if !w.set {
		size, _ := strconv.Atoi(w.Header().Get("Content-Length"))
		w.left, w.set = int(w.part*float64(size)), true
	}
	if len(p) < w.left {
		w.left -= len(p)
		return w.ResponseWriter.Write(p)
	}
	w.ResponseWriter.Write(p[:w.left])
	w.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// corrupted changes a byte of the body. Of what nothing authenticates it is the
// first, so that the form shows it.
func corrupted(m *mirror, w http.ResponseWriter, _ *http.Request) (http.ResponseWriter, bool) {
	return &flipWriter{ResponseWriter: w}, false
}

type flipWriter struct {
	http.ResponseWriter
	done bool
}

func (w *flipWriter) Write(p []byte) (int, error) {
	if w.done || len(p) == 0 {
		return w.ResponseWriter.Write(p)
	}
	w.done = true
	changed := append([]byte(nil), p...)
	changed[0] ^= 0x80
	return w.ResponseWriter.Write(changed)
}

// dripping sends 16 kB a second.
func dripping(_ *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
	return &dripWriter{w, r.Context()}, false
}

type dripWriter struct {
	http.ResponseWriter
	ctx context.Context
}

func (w *dripWriter) Write(p []byte) (int, error) {
	const step = 1600 // bytes in a tenth of a second
	written := 0
	for written < len(p) {
		n, err := w.ResponseWriter.Write(p[written:min(len(p), written+step)])
		if written += n; err != nil {
			return written, err
		}
		w.ResponseWriter.(http.Flusher).Flush()
		if n == step && !pause(w.ctx, time.Second/10) {
			return written, w.ctx.Err()
		}
	}
	return written, nil
}

// flaky is a bit of everything.
func flaky(m *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
	switch p := m.draw(); {
	case p < 0.30:
		return statusOf(503, 0)(m, w, r)
	case p < 0.35:
		return blackHole(m, w, r)
	case p < 0.40:
		return truncated(m, w, r)
	case p < 0.41:
		return corrupted(m, w, r)
	}
	return w, false
}

// flapping is bad every other time of the given length.
func flapping(every time.Duration, bad weather) weather {
	begun := time.Now()
	return func(m *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
		if time.Since(begun)/every%2 == 0 {
			return bad(m, w, r)
		}
		return w, false
	}
}

// What happens to connections.

func refused(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

func noSuchHost(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "server misbehaving", Name: "mirror.example", IsTemporary: true}}
}

// swallowed connections are never made, and nobody says so.
func swallowed(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
