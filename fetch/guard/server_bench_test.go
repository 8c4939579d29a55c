package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// BenchmarkServer compares [guard.Server] and [guard.Rate] with nothing in front
// of a handler, for a go.mod file in memory and a zip on disk.
func BenchmarkServer(b *testing.B) {
	const text = "module example.com/hello\n\ngo 1.26\n"
	small := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(text))
	})
	zip, _ := zeros(b, 64<<20)
	unlimited := &guard.RateOptions{PerSecond: 1e9, Burst: 1 << 30}
	for _, content := range []struct {
		name string
		h    http.Handler
		size int64
	}{{"mod", small, int64(len(text))}, {"zip", zip, 64 << 20}} {
		for _, server := range []struct {
			name string
			h    http.Handler
		}{
			{"bare", content.h},
			{"guarded", guard.Server(guard.Rate(content.h, unlimited), nil).Handler},
		} {
			b.Run(content.name+"/"+server.name, func(b *testing.B) {
				s := httptest.NewServer(server.h)
				defer s.Close()
				b.SetBytes(content.size)
				b.ReportAllocs()
				for b.Loop() {
					resp, err := http.Get(s.URL)
					if err != nil {
						b.Fatal(err)
					}
					if n, err := io.Copy(io.Discard, resp.Body); n != content.size || err != nil {
						b.Fatalf("%d bytes, %v", n, err)
					}
					resp.Body.Close()
				}
			})
		}
	}
}
