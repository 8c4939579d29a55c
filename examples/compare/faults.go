package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hangs accepts requests and never answers.
func hangs(http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// unavailable answers everything with 503.
func unavailable(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	})
}

// only restricts a fault to the paths that have part in them.
func only(part string, f fault) fault {
	return func(well http.Handler) http.Handler {
		ill := f(well)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				ill.ServeHTTP(w, r)
				return
			}
			well.ServeHTTP(w, r)
		})
	}
}

// loginPage answers with a web page, and with 200, as the gateways of hotels do.
func loginPage(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html>\n<title>Sign in</title>\n<h1>Sign in to the network</h1>\n<form><input name=user></form>\n")
	})
}

// writing sends answers through a writer that f makes for each.
func writing(f func(w http.ResponseWriter, r *http.Request) http.ResponseWriter) fault {
	return func(well http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { well.ServeHTTP(f(w, r), r) })
	}
}

// cutOnce breaks the connection off in the middle of the first answer to each path.
func cutOnce(well http.Handler) http.Handler {
	var seen sync.Map
	cut := writing(func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		if _, again := seen.LoadOrStore(r.URL.Path, true); again {
			return w
		}
		return &cutWriter{ResponseWriter: w, left: -1}
	})
	return cut(well)
}

type cutWriter struct {
	http.ResponseWriter
	left int // bytes to go; negative: not known before the first
}

func (w *cutWriter) Write(p []byte) (int, error) {
	if w.left < 0 {
		size, _ := strconv.Atoi(w.Header().Get("Content-Length"))
		w.left = size / 2
	}
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	if w.left -= n; w.left > 0 || err != nil {
		return n, err
	}
	http.NewResponseController(w.ResponseWriter).Flush()
	panic(http.ErrAbortHandler) // which is how net/http lets a handler break a connection
}

// trickles sends answers at so many bytes per second.
func trickles(rate int) fault {
	return writing(func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		return &slowWriter{ResponseWriter: w, ctx: r.Context(), rate: rate}
	})
}

type slowWriter struct {
	http.ResponseWriter
	ctx  context.Context
	rate int
}

// Write sends a part every 50 ms.
func (w *slowWriter) Write(p []byte) (n int, err error) {
	const pause = 50 * time.Millisecond
	part := max(1, w.rate*int(pause)/int(time.Second))
	for n < len(p) && err == nil {
		if err = wait(w.ctx, pause); err != nil {
			return n, err
		}
		var m int
		m, err = w.ResponseWriter.Write(p[n:min(len(p), n+part)])
		n += m
		http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}

// flips sends answers of the right length with some bytes that are not those of the file.
var flips = writing(func(w http.ResponseWriter, _ *http.Request) http.ResponseWriter { return flipWriter{w} })

type flipWriter struct{ http.ResponseWriter }

func (w flipWriter) Write(p []byte) (int, error) {
	flipped := append([]byte(nil), p...)
	for i := 1 << 10; i < len(p); i += 8 << 10 {
		flipped[i] ^= 0xff
	}
	return w.ResponseWriter.Write(flipped)
}

// late begins to answer after some time.
func late(d time.Duration) fault {
	return func(well http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if wait(r.Context(), d) == nil {
				well.ServeHTTP(w, r)
			}
		})
	}
}

// wait waits for d, or until ctx ends, whose error it returns.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
