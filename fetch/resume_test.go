package fetch_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
)

// largeOrigin returns an origin with one module, whose zip has about size bytes.
func largeOrigin(t testing.TB, size int) *origin.Origin {
	t.Helper()
	noise := make([]byte, size)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(' ' + rng.IntN(95)) // which deflate makes a fifth smaller
		if noise[i] == '-' {
			noise[i] = '+' // a line of "-- x --" would be another file
		}
	}
	o, err := origin.New(fstest.MapFS{"large.example/m@v1.0.0.txtar": &fstest.MapFile{
		Data: fmt.Appendf(nil, "-- go.mod --\nmodule large.example/m\n-- data.txt --\n%s\n", noise),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// counting counts the bytes of bodies that are sent, and breaks each off after a
// part of the whole.
type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
	left int64
}

func (w *counting) Write(p []byte) (int, error) {
	broken := int64(len(p)) > w.left
	if broken {
		p = p[:w.left]
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent.Add(int64(n))
	if w.left -= int64(n); broken {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// A large zip that breaks off again and again goes on where it was, at the same
// source or at the next, and is not sent twice.
func TestLargeZipGoesOn(t *testing.T) {
	o := largeOrigin(t, 8<<20)
	const key = "large.example/m/@v/v1.0.0.zip"
	size := int64(len(o.File(key)))
	tests := []struct {
		name   string
		first  func(requests int64) (part float64, status int) // how much of the zip each answer brings
		etag   string                                          // of the second mirror; the first's is "same"
		most   float64                                         // bytes sent for zips by both, as a multiple of the size
		second bool                                            // the second mirror is asked
	}{
		{"breaks off four times", func(n int64) (float64, int) { return 0.22, 200 }, "same", 1.01, false},
		{"breaks off at 90 %, then is down", func(n int64) (float64, int) {
			if n > 1 {
				return 0, 503
			}
			return 0.9, 200
		}, "same", 1.01, true},
		{"then is down, and the next has another one", func(n int64) (float64, int) {
			if n > 1 {
				return 0, 503
			}
			return 0.5, 200
		}, "other", 1.51, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent, requests, secondRequests atomic.Int64
			first := func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/"+key {
					o.ServeHTTP(w, r)
					return
				}
				part, status := tt.first(requests.Add(1))
				if status != 200 {
					w.WriteHeader(status)
					return
				}
				w.Header().Set("Etag", `"same"`)
				o.ServeHTTP(&counting{w, &sent, int64(part * float64(size))}, r)
			}
			second := func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/"+key {
					secondRequests.Add(1)
					w.Header().Set("Etag", strconv.Quote(tt.etag))
					w = &counting{w, &sent, size}
				}
				o.ServeHTTP(w, r)
			}
			opts := fetch.Options{CacheDir: t.TempDir(), Go: &fetch.GoSettings{
				GOPROXY: serve(t, http.HandlerFunc(first)) + "|" + serve(t, http.HandlerFunc(second)), GOSUMDB: o.VerifierKey,
			}}
			c := newClient(t, opts)
			resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "large.example/m", "v1.0.0"))
			if err != nil {
				t.Fatal(err)
			}
			if resp.Verified != "checksum database" {
				t.Errorf("verified by %q", resp.Verified)
			}
			if read(t, resp) != string(o.File(key)) {
				t.Error("wrong bytes")
			}
			if ratio := float64(sent.Load()) / float64(size); ratio > tt.most {
				t.Errorf("the mirrors sent %.2f times the zip, want at most %.2f", ratio, tt.most)
			}
			if asked := secondRequests.Load() > 0; asked != tt.second {
				t.Errorf("second mirror asked: %v", asked)
			}
		})
	}
}

// Two mirrors that give different bytes the same name: the pieces do not fit
// together, and one clean download follows. Nobody is blamed.
func TestPiecesThatDoNotFit(t *testing.T) {
	o, other := largeOrigin(t, 2<<20), largeOrigin(t, 2<<20)
	const key = "large.example/m/@v/v1.0.0.zip"
	forged := append([]byte(nil), other.File(key)...)
	for i := 0; i < len(forged)/2; i += 1000 {
		forged[i] ^= 0x55
	}
	var sent, clean atomic.Int64
	var once atomic.Bool
	first := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/"+key:
			o.ServeHTTP(w, r)
		case once.Swap(true):
			w.WriteHeader(503)
		default:
			w.Header().Set("Etag", `"same"`)
			w.Header().Set("Content-Length", strconv.Itoa(len(forged)))
			(&counting{w, &sent, int64(len(forged) / 2)}).Write(forged)
		}
	}
	second := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"same"`)
		if r.URL.Path == "/"+key && r.Header.Get("Range") == "" {
			clean.Add(1)
		}
		o.ServeHTTP(w, r)
	}
	opts := fetch.Options{CacheDir: t.TempDir(), Go: &fetch.GoSettings{
		GOPROXY: serve(t, http.HandlerFunc(first)) + "|" + serve(t, http.HandlerFunc(second)), GOSUMDB: o.VerifierKey,
	}}
	c := newClient(t, opts)
	resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "large.example/m", "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	if read(t, resp) != string(o.File(key)) {
		t.Error("wrong bytes")
	}
	if n := clean.Load(); n != 1 {
		t.Errorf("%d clean downloads, want 1", n)
	}
	for _, standing := range c.Ranking() {
		if standing.Source != resp.Source {
			continue
		}
		if f := standing.Figures[upstream.Zips]; f.Failures != 0 {
			t.Errorf("the second mirror is blamed: %+v", f)
		}
	}
}
