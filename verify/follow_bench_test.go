package verify_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// BenchmarkFollow compares how long it takes until a zip from a source of some speed
// is here and verified, with what is hashed on the way and without. Both are done in
// turn, so that what else the machine does is the same for both. The medians are of
// milliseconds from the first byte until all is verified, and from the last.
func BenchmarkFollow(b *testing.B) {
	for _, bench := range []struct {
		name        string
		files, size int
	}{
		{"sources", 4000, 20 << 10},
		{"large", 2, 40 << 20},
	} {
		content := zipOf(b, sources(bench.files, bench.size)...)
		sums := sumsOf(b, content, honestMod)
		for _, rate := range []float64{12.5e6, 50e6, 125e6, 0} {
			b.Run(fmt.Sprintf("%s/%gMB/s", bench.name, rate/1e6), func(b *testing.B) {
				var with, without timings
				for b.Loop() {
					with.add(fetchPaced(b, content, rate, sums, verify.Checksums()))
					without.add(fetchPaced(b, content, rate, sums, unheard))
				}
				b.ReportMetric(median(with.total), "ms/with")
				b.ReportMetric(median(without.total), "ms/without")
				b.ReportMetric(median(with.after), "ms-after/with")
				b.ReportMetric(median(without.after), "ms-after/without")
				b.ReportMetric(median(with.total)/median(without.total), "ratio")
			})
		}
	}
}

// timings are in milliseconds.
type timings struct{ total, after []float64 }

func (t *timings) add(total, after time.Duration) {
	t.total = append(t.total, total.Seconds()*1e3)
	t.after = append(t.after, after.Seconds()*1e3)
}

func median(x []float64) float64 { return slices.Sorted(slices.Values(x))[len(x)/2] }

// unheard is Checksums that is not told of arrivals.
func unheard(next upstream.Upstream) upstream.Upstream {
	return verify.Checksums()(upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		return next.Fetch(verify.WithArrivals(ctx, nil), req)
	}))
}

func fetchPaced(b *testing.B, content string, rate float64, sums verify.Sums, m upstream.Middleware) (total, after time.Duration) {
	p := &paced{content: content, rate: rate, start: time.Now()}
	u := m(verify.Structure()(verify.Spooled(&verify.SpoolOptions{New: spoolsIn(b.TempDir())})(answering(p, int64(len(content))))))
	resp, err := u.Fetch(asking(b.Context(), &knowing{sums: sums}), request(b, zipKey))
	if err != nil {
		b.Fatal(err)
	}
	end := time.Now()
	resp.Body.Close()
	return end.Sub(p.start), end.Sub(p.ended)
}

// paced is a body that comes at a rate, in bytes per second; 0: as fast as it is read.
type paced struct {
	content      string
	rate         float64
	sent         int
	start, ended time.Time
}

func (p *paced) Read(b []byte) (int, error) {
	if p.sent == len(p.content) {
		p.ended = time.Now()
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 32<<10)], p.content[p.sent:])
	p.sent += n
	if p.rate > 0 { // a socket has some to give while its reader is late
		if early := time.Until(p.start.Add(time.Duration(float64(p.sent) / p.rate * 1e9))); early > 2*time.Millisecond {
			time.Sleep(early)
		}
	}
	return n, nil
}

func (p *paced) Close() error { return nil }
