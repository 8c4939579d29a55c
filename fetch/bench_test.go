package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// BenchmarkWarmHit measures a hit over loopback in turns with a bare net/http handler
// that writes the same bytes with the header fields that any server must send:
// "of-bare" is the median part of its requests per second that are left, and
// "more-allocs" how many allocations a request takes beyond its. The clients are as
// cheap as can be, so that the servers are what is measured.
func BenchmarkWarmHit(b *testing.B) {
	o := newOrigin(b)
	for _, key := range []string{"@v/v1.0.0.mod", "@v/v1.0.0.info", "@v/list", "@v/v1.0.0.zip"} {
		for _, where := range []string{"memory", "disk"} {
			b.Run(key[3:]+"/"+where, func(b *testing.B) {
				opts := proxyOptions(serve(b, o))
				opts.CacheDir = b.TempDir()
				if where == "disk" {
					opts.MemoryBytes = -1
				}
				compareHandlers(b, fetch.NewHandler(newClient(b, opts), nil), "/example.com/hello/"+key)
			})
		}
	}
}

func compareHandlers(b *testing.B, ours http.Handler, path string) {
	w := httptest.NewRecorder()
	ours.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	content, length := w.Body.Bytes(), []string{strconv.Itoa(w.Body.Len())}
	mime := w.Header()["Content-Type"]
	limit := newLoad(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"], w.Header()["Content-Length"] = mime, length
		w.Write(content)
	}), path, len(content), 8, 250)
	load := newLoad(b, ours, path, len(content), 8, 250)
	var ratios []float64
	var more, rounds float64
	for b.Loop() {
		limitTook, limitAllocs := limit.round(b)
		took, allocs := load.round(b)
		ratios = append(ratios, limitTook.Seconds()/took.Seconds())
		more += allocs - limitAllocs
		rounds++
	}
	b.ReportMetric(median(ratios), "of-bare")
	b.ReportMetric(more/rounds, "more-allocs")
	b.ReportMetric(0, "ns/op") // which would be of both
}

// A load is a server with clients that ask it for one file again and again.
type load struct {
	conns    []net.Conn
	request  []byte
	size     int // of the file
	requests int // of each client in a round
}

func newLoad(b *testing.B, h http.Handler, path string, size, clients, requests int) *load {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	l := &load{size: size, requests: requests}
	l.request = []byte("GET " + path + " HTTP/1.1\r\nHost: proxy.example\r\nUser-Agent: Go-http-client/1.1\r\n\r\n")
	for range clients {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		l.conns = append(l.conns, conn)
	}
	l.round(b) // so that all is warm
	return l
}

// round returns how long it took, and the allocations per request.
func (l *load) round(b *testing.B) (time.Duration, float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	var all sync.WaitGroup
	for _, conn := range l.conns {
		all.Go(func() {
			if err := l.ask(conn); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	return took, float64(after.Mallocs-before.Mallocs) / float64(len(l.conns)*l.requests)
}

// ask sends requests one after another. Of an answer it looks at the status, and at
// where the header ends.
func (l *load) ask(conn net.Conn) error {
	buf := make([]byte, min(4<<10+l.size, 64<<10))
	for range l.requests {
		if _, err := conn.Write(l.request); err != nil {
			return err
		}
		have, want := 0, 0
		for want == 0 || have < want {
			from := have
			if want > 0 {
				from = 0 // what follows is not looked at
			}
			n, err := conn.Read(buf[from:])
			if err != nil {
				return err
			}
			have += n
			if want > 0 {
				continue
			}
			if end := bytes.Index(buf[:have], []byte("\r\n\r\n")); end > 0 {
				want = end + len("\r\n\r\n") + l.size
			}
			if !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) {
				return fmt.Errorf("answer %.40q", buf)
			}
		}
		if have != want {
			return fmt.Errorf("answer of %d bytes, want %d", have, want)
		}
	}
	return nil
}

// BenchmarkFetch measures a hit without HTTP around it.
func BenchmarkFetch(b *testing.B) {
	o := newOrigin(b)
	c := newClient(b, proxyOptions(serve(b, o)))
	req, err := upstream.ParsePath("/example.com/hello/@v/v1.0.0.mod")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.Fetch(b.Context(), req)
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
		}
	})
}

// BenchmarkTrace measures what hooks cost a hit: none, those that nobody has set,
// and all of them, doing nothing.
func BenchmarkTrace(b *testing.B) {
	nothing := &fetch.Trace{
		RequestStart: func(ctx context.Context, _ fetch.RequestStart) context.Context { return ctx },
		RequestEnd:   func(context.Context, fetch.RequestEnd) {},
	}
	req, err := upstream.ParsePath("/example.com/hello/@v/v1.0.0.mod")
	if err != nil {
		b.Fatal(err)
	}
	source := serve(b, newOrigin(b))
	for _, bm := range []struct {
		name  string
		trace *fetch.Trace
	}{{"nil", nil}, {"empty", &fetch.Trace{}}, {"request hooks", nothing}} {
		b.Run(bm.name, func(b *testing.B) {
			opts := proxyOptions(source)
			opts.Trace = bm.trace
			c := newClient(b, opts)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.Fetch(b.Context(), req)
				if err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}

// BenchmarkWarmZip measures a zip of 100 MB on disk in turns with http.ServeFile, where
// the kernel sends the file, and with a plain copy through a large buffer: "of-faster"
// is the part of the faster one's speed that is left, by the medians.
func BenchmarkWarmZip(b *testing.B) {
	const size, buffer, path = 100 << 20, 256 << 10, "/example.com/hello/@v/v1.0.0.zip"
	file := filepath.Join(b.TempDir(), "zip")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o600); err != nil {
		b.Fatal(err)
	}
	handlers := []http.Handler{
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				b.Error(err)
				return
			}
			defer f.Close()
			w.Header().Set("Content-Length", strconv.Itoa(size))
			io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{f}, make([]byte, buffer))
		}),
		fetch.NewHandler(onFile(file), nil),
	}
	for _, clients := range []int{1, 8, 50} {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			var loads []*load
			for _, h := range handlers {
				loads = append(loads, newLoad(b, h, path, size, clients, 1))
			}
			took := make([][]float64, len(loads))
			for first := 0; b.Loop(); first++ {
				for i := range loads {
					i = (first + i) % len(loads) // none is always the one after the same other
					d, _ := loads[i].round(b)
					took[i] = append(took[i], d.Seconds())
				}
			}
			kernel, plain, ours := median(took[0]), median(took[1]), median(took[2])
			b.ReportMetric(kernel*1e3, "ms-sendfile")
			b.ReportMetric(plain*1e3, "ms-copy")
			b.ReportMetric(ours*1e3, "ms-ours")
			b.ReportMetric(min(kernel, plain)/ours, "of-faster")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
