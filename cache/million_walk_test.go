package cache

import (
	"context"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"
)

// patience returns a context that ends when a benchmark gives up on what happens
// in the background.
func (s *bigStore) patience(b *testing.B) (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.Context(), 10*time.Second+time.Duration(s.n)*2*time.Millisecond)
}

// A watch sees the walks through a store go on, for the store asks it about each
// entry.
type watch struct {
	visited atomic.Int64
	at      int64 // of the entries visited, when to call
	call    func()
}

func (w *watch) retention(string) Retention {
	if w.visited.Add(1) == w.at {
		w.call()
	}
	return Keep
}

// benchmarkAccount measures how long it takes until a store with bounds knows
// exactly what it holds, and what it has in memory then.
func (s *bigStore) benchmarkAccount(b *testing.B) {
	var walks latencies
	var heap float64
	for b.Loop() {
		before := heapInUse()
		walked := make(chan struct{})
		w := &watch{at: int64(s.n), call: func() { close(walked) }}
		begun := time.Now()
		d := s.open(b, DiskOptions{Bounds: Bounds{MaxFiles: 1 << 40, Retention: w.retention}})
		ctx, cancel := s.patience(b)
		select {
		case <-walked:
		case <-ctx.Done():
		}
		for !s.isExact(b, ctx, d) {
			runtime.Gosched() // it has seen the last entry
		}
		cancel()
		walks.add(begun)
		heap = heapInUse() - before
		closeStore(b, d)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(walks.quantile(0.5)/1e6, "s")
	b.ReportMetric(walks.quantile(0.5)/float64(s.n), "us/entry")
	b.ReportMetric(heap/1e6, "heap-MB")
}

// isExact reports whether the store knows what it holds, and fails when it does
// not in time.
func (s *bigStore) isExact(b *testing.B, ctx context.Context, d *Disk) bool {
	held := d.Stats()
	if held.Entries == int64(s.n) && held.Bytes == s.bytes {
		return true
	}
	if ctx.Err() != nil {
		b.Fatalf("the store holds %d entries of %d bytes, its account says %+v", s.n, s.bytes, held)
	}
	return false
}

// benchmarkHitsAmidAccount measures hits while that goes on.
func (s *bigStore) benchmarkHitsAmidAccount(b *testing.B) {
	var walks, first, repeated latencies
	for b.Loop() {
		keys := s.sample(b, 100_000)
		known := keys[:min(50, len(keys))]
		keys = keys[len(known):]
		ctx, cancel := s.patience(b)
		begun := time.Now()
		d := s.open(b, DiskOptions{Bounds: Bounds{MaxFiles: 1 << 40}})
		for _, i := range known {
			s.hit(b, d, i, "disk")
		}
		for !s.isExact(b, ctx, d) {
			repeated.addFunc(func() { s.hit(b, d, known[rand.IntN(len(known))], "disk") })
			if len(keys) > 0 {
				first.addFunc(func() { s.hit(b, d, keys[0], "disk") })
				keys = keys[1:]
			}
		}
		cancel()
		walks.add(begun)
		closeStore(b, d)
	}
	b.ReportMetric(walks.quantile(0.5)/1e6, "s")
	first.report(b, "first-")
	repeated.report(b, "repeated-")
}

// benchmarkEvictHalf opens a store that may hold half of what it does, and waits
// until what is too much has gone. The account must be that of the disk then.
func (s *bigStore) benchmarkEvictHalf(b *testing.B) {
	var took latencies
	var live, peak float64
	var evicted Eviction
	for b.Loop() {
		if evicted.Entries > 0 {
			s.write(b)
		}
		told := make(chan Eviction, 1)
		before := heapInUse()
		// The second walk chooses. When it ends, what it has chosen is in memory.
		w := &watch{at: 2 * int64(s.n), call: func() { live = heapInUse() - before }}
		ctx, cancel := s.patience(b)
		highest := watchHeap(ctx)
		begun := time.Now()
		d := s.open(b, DiskOptions{
			Bounds:     Bounds{MaxBytes: s.bytes / 2, MaxFiles: int64(s.n / 2), Retention: w.retention},
			OnEviction: func(e Eviction) { told <- e },
		})
		select {
		case evicted = <-told:
		case <-ctx.Done():
		}
		took.add(begun)
		closeStore(b, d)
		cancel()
		peak = <-highest - before
		s.wantAccounted(b, d.Stats(), evicted)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.quantile(0.5)/1e6, "s")
	b.ReportMetric(float64(evicted.Entries), "evicted")
	b.ReportMetric(live/1e6, "live-MB")
	b.ReportMetric(peak/1e6, "peak-MB")
}

// wantAccounted compares what a store says with what is on the disk.
func (s *bigStore) wantAccounted(b *testing.B, said DiskStats, evicted Eviction) {
	b.Helper()
	content, records := s.onDisk(b)
	if said.Entries != content.files || said.Bytes != content.bytes || records != content.files {
		b.Errorf("the account says %+v, on the disk are %+v and %d records", said, content, records)
	}
	n := int64(s.n)
	if evicted.Err != nil || content.bytes > s.bytes/2 || content.files > n/2 || content.files+evicted.Entries != n {
		b.Errorf("evicted %+v of %d entries of %d bytes, left are %+v", evicted, n, s.bytes, content)
	}
}

// heapInUse returns what is in use of the heap, in bytes.
func heapInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// watchHeap returns a channel that says, when ctx has ended, how large the heap
// was at its largest, in bytes, with what was not collected yet.
func watchHeap(ctx context.Context) <-chan float64 {
	highest := make(chan float64, 1)
	go func() {
		var most uint64
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-ctx.Done():
				highest <- float64(most)
				return
			}
		}
	}()
	return highest
}
