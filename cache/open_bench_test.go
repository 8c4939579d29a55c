package cache

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkOpenAndHit measures stores of 300 and 3,000 entries, or of as many as
// BREAKWATER_ENTRIES says, with commas:
//
//	BREAKWATER_ENTRIES=1000,100000,1000000 go test -run '^$' -bench OpenAndHit -timeout 1h ./cache
//
// A million take two million files, 8 GiB and some minutes where TMPDIR is. Hits
// are in turn with reads of files of the store by os.ReadFile, at which nothing is
// looked up or checked: "of-limit" is how many times as long a hit takes.
func BenchmarkOpenAndHit(b *testing.B) {
	sizes := os.Getenv("BREAKWATER_ENTRIES")
	if sizes == "" {
		sizes = "300,3000"
	}
	// All are made first: ext4 takes ten times as long to make a file for some minutes
	// after many were removed, for it does not use their inodes again so soon.
	var stores []*bigStore
	for size := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			b.Fatalf("BREAKWATER_ENTRIES=%s: no list of numbers of entries", sizes)
		}
		stores = append(stores, newBigStore(b, n))
	}
	for _, s := range stores {
		b.Run(strconv.Itoa(s.n), func(b *testing.B) { benchmarkBigStore(b, s) })
	}
}

func benchmarkBigStore(b *testing.B, s *bigStore) {
	s.wantHits(b, 50)
	b.Run("open", s.benchmarkOpen)
	for _, store := range []struct {
		name   string
		layers func(*Disk) Store
	}{
		{"disk", func(d *Disk) Store { return d }},
		{"memory-over-disk", func(d *Disk) Store { return Layered(NewMemory(nil), d) }},
	} {
		b.Run(store.name+"/first-hit", func(b *testing.B) { s.benchmarkFirstHits(b, store.layers) })
		b.Run(store.name+"/repeated-hit", func(b *testing.B) { s.benchmarkRepeatedHits(b, store.layers) })
	}
	b.Run("account", s.benchmarkAccount)
	b.Run("account-amid-hits", s.benchmarkHitsAmidAccount)
	b.Run("evict-half", s.benchmarkEvictHalf) // the last, for it empties the store
}

// benchmarkOpen opens a store that has to know how much it holds, and does not wait
// for that.
func (s *bigStore) benchmarkOpen(b *testing.B) {
	var opened latencies
	for b.Loop() {
		begun := time.Now()
		d := s.open(b, DiskOptions{Bounds: Bounds{MaxFiles: 1 << 40}})
		opened.add(begun)
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
	opened.report(b, "")
}

// benchmarkFirstHits gets entries that the store has not read yet, and that nobody
// has asked for in hours: they are compared with their digests, and their use is
// noted.
func (s *bigStore) benchmarkFirstHits(b *testing.B, layers func(*Disk) Store) {
	var hits, limit latencies
	var store Store
	var keys []int
	for b.Loop() {
		if len(keys) == 0 {
			closeStore(b, store)
			store, keys = layers(s.open(b, DiskOptions{})), s.sample(b, 10_000)
		}
		limit.addFunc(func() { s.readFile(b, rand.IntN(s.n)) })
		hits.addFunc(func() { s.hit(b, store, keys[0], "disk") })
		keys = keys[1:]
	}
	closeStore(b, store)
	hits.reportBeside(b, &limit)
}

// benchmarkRepeatedHits gets entries that the store has answered before.
func (s *bigStore) benchmarkRepeatedHits(b *testing.B, layers func(*Disk) Store) {
	var hits, limit latencies
	store := layers(s.open(b, DiskOptions{}))
	keys := s.sample(b, 500)
	for _, i := range keys {
		s.hit(b, store, i, "disk")
	}
	layer := "memory"
	if _, ok := store.(*Disk); ok {
		layer = "disk"
	}
	for b.Loop() {
		limit.addFunc(func() { s.readFile(b, keys[rand.IntN(len(keys))]) })
		hits.addFunc(func() { s.hit(b, store, keys[rand.IntN(len(keys))], layer) })
	}
	closeStore(b, store)
	hits.reportBeside(b, &limit)
}

func closeStore(b *testing.B, s Store) {
	c, ok := s.(io.Closer)
	if !ok {
		return
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}

// sample returns up to most entries, in no order, and has them look as if they
// were not used for long.
func (s *bigStore) sample(b *testing.B, most int) []int {
	keys := rand.Perm(s.n)[:min(most, s.n)]
	for _, i := range keys {
		used := s.now.Add(-bigUnused(i))
		if err := os.Chtimes(s.path(recordName(bigKey(i))), used, used); err != nil {
			b.Fatal(err)
		}
	}
	return keys
}

// hit gets an entry, which must be in the layer, and reads it.
func (s *bigStore) hit(b *testing.B, store Store, i int, layer string) {
	key := bigKey(i)
	e, err := store.Get(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	content := make([]byte, e.Size)
	_, err = io.ReadFull(e.Body, content)
	e.Body.Close()
	if err != nil || !bytes.HasPrefix(content, []byte(key)) || e.Layer != layer {
		b.Fatalf("%s from %s: %.100q, %v", key, e.Layer, content, err)
	}
}

// readFile reads the content of an entry without a store.
func (s *bigStore) readFile(b *testing.B, i int) {
	key := bigKey(i)
	content, err := os.ReadFile(s.path(key))
	if err != nil || !bytes.HasPrefix(content, []byte(key)) {
		b.Fatalf("%s: %.100q, %v", key, content, err)
	}
}

// latencies are how long each of many calls took.
type latencies []time.Duration

func (l *latencies) add(begun time.Time) { *l = append(*l, time.Since(begun)) }

func (l *latencies) addFunc(call func()) {
	begun := time.Now()
	call()
	l.add(begun)
}

// quantile returns how long the given part of the calls took at the most, in
// microseconds.
func (l *latencies) quantile(part float64) float64 {
	if len(*l) == 0 {
		return 0
	}
	slices.Sort(*l)
	at := min(len(*l)-1, int(part*float64(len(*l))))
	return float64((*l)[at]) / float64(time.Microsecond)
}

// report reports the median and the 99th percentile in place of the mean.
func (l *latencies) report(b *testing.B, prefix string) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(l.quantile(0.5), prefix+"p50-us")
	b.ReportMetric(l.quantile(0.99), prefix+"p99-us")
}

func (l *latencies) reportBeside(b *testing.B, limit *latencies) {
	l.report(b, "")
	limit.report(b, "limit-")
	b.ReportMetric(l.quantile(0.5)/limit.quantile(0.5), "of-limit")
}
