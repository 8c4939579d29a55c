package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// file is served to the loads of the tests.
const file = "0123456789"

func serve(t *testing.T, h http.HandlerFunc) (address string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestLoad(t *testing.T) {
	var asked atomic.Int64
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/a/@v/list" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(file))
	})
	for _, tt := range []struct {
		name  string
		load  *load
		asked int64
	}{
		{"three clients", newLoad(address, "a/@v/list", 10, 3), 15},
		{"its second half", newLoad(address, "a/@v/list", 10, 1).second(), 5},
		{"from the first", func() *load { l := newLoad(address, "a/@v/list", 10, 2); l.unready = true; return l }(), 8},
	} {
		asked.Store(0)
		taken, err := tt.load.run(t.Context(), 4)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got, want := len(taken.each), 4*tt.load.clients; got != want || asked.Load() != tt.asked {
			t.Errorf("%s: the times of %d requests of %d, want %d of %d", tt.name, got, asked.Load(), want, tt.asked)
		}
	}
}

func TestLoadSeesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "not 200"},
		{"too short", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "012345678") }, `length is "9", not 10`},
		{"too long", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "0123456789a") }, `length is "11", not 10`},
		{"no length", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, file)
		}, `length is "", not 10`},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "01234")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "after 5 of 10 bytes"},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "in an answer's head"},
	} {
		_, err := newLoad(serve(t, tt.handler), "f", int64(len(file)), 1).run(t.Context(), 1)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // the client has gone
	})
	if _, err := newLoad(address, "f", 1, 1).run(ctx, 1); err == nil {
		t.Error("it did not fail")
	}
}
