package fetch_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// BenchmarkWarmHit measures a hit over loopback beside a bare net/http handler
// that writes the same bytes: the ratio of the two is the figure to look at.
func BenchmarkWarmHit(b *testing.B) {
	o := newOrigin(b)
	for _, key := range []string{"example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.0.0.zip"} {
		content := o.File(key)
		opts := proxyOptions(serve(b, o))
		opts.Store, opts.CacheDir = nil, b.TempDir()
		inMemory := fetch.NewHandler(newClient(b, opts), nil)
		disk, err := cache.OpenDisk(b.TempDir(), nil)
		if err != nil {
			b.Fatal(err)
		}
		opts.Store = disk
		onDisk := fetch.NewHandler(newClient(b, opts), nil)
		bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(content) })
		name := key[len(key)-3:]
		b.Run(name+"/bare", func(b *testing.B) { hammer(b, bare, key, len(content)) })
		b.Run(name+"/memory", func(b *testing.B) { hammer(b, inMemory, key, len(content)) })
		b.Run(name+"/disk", func(b *testing.B) { hammer(b, onDisk, key, len(content)) })
	}
}

func hammer(b *testing.B, h http.Handler, key string, size int) {
	s := httptest.NewServer(h)
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	ask := func() {
		resp, err := client.Get(s.URL + "/" + key)
		if err != nil {
			b.Error(err)
			return
		}
		defer resp.Body.Close()
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(size) {
			b.Errorf("read %d bytes, want %d: %v", n, size, err)
		}
	}
	ask()
	b.ReportAllocs()
	b.SetBytes(int64(size))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ask()
		}
	})
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
