package cache

import (
	"container/heap"
	"time"
)

// usage is how much there is.
type usage struct{ bytes, files int64 }

func (u usage) exceeds(b Bounds, part float64) bool {
	return b.MaxBytes > 0 && float64(u.bytes) > part*float64(b.MaxBytes) ||
		b.MaxFiles > 0 && float64(u.files) > part*float64(b.MaxFiles)
}

// surplus returns how much has to go, with a little more, for the count is not
// exact before the walk.
func (u usage) surplus(b Bounds) usage {
	over := func(have, most int64) int64 {
		if most <= 0 {
			return 0
		}
		return max(0, have-int64(lowWater*float64(most))+most/50)
	}
	return usage{over(u.bytes, b.MaxBytes), over(u.files, b.MaxFiles)}
}

// A candidate may be evicted.
type candidate struct {
	key     string
	used    time.Time
	size    int64
	unused  float64 // how long, in seconds; times a lot for what goes first
	badness float64
}

func newCandidate(key string, size int64, unused time.Duration, r Retention) candidate {
	c := candidate{key: key, size: size, unused: max(1, unused.Seconds())}
	if r == EvictFirst {
		c.unused *= 1e9
	}
	c.judge(0)
	return c
}

// judge says how little is lost with an entry: the longer it has not been used,
// and the more bytes it frees for each second that it would take to fetch it
// again (GreedyDual-Size: Cao and Irani, 1997), which is as long as it took the
// last time or, for 0, as that size takes on a line that is neither fast nor slow.
// What took longer than ten minutes was not the source's fault.
func (c *candidate) judge(took time.Duration) {
	const (
		roundTrip = 0.1     // seconds
		rate      = 5 << 20 // bytes per second
	)
	refetch := min(took, 10*time.Minute).Seconds()
	if took <= 0 {
		refetch = roundTrip + float64(c.size)/rate
	}
	c.badness = c.unused * float64(c.size+1) / max(refetch, 0.001)
}

// candidates is a heap, the least bad at the top, of the worst entries that are
// enough to free what has to be freed.
type candidates struct {
	all   []candidate
	frees usage
}

func (c *candidates) Len() int           { return len(c.all) }
func (c *candidates) Less(i, j int) bool { return c.all[i].badness < c.all[j].badness }
func (c *candidates) Swap(i, j int)      { c.all[i], c.all[j] = c.all[j], c.all[i] }
func (c *candidates) Push(x any)         { c.all = append(c.all, x.(candidate)) }
func (c *candidates) Pop() any {
	last := c.all[len(c.all)-1]
	c.all = c.all[:len(c.all)-1]
	return last
}

// mostCandidates bounds how many are remembered in one walk, which takes some 10 MB
// of memory. Where that does not free enough, there is another walk.
const mostCandidates = 1 << 16

// offer takes a candidate in, and lets go of those that are not needed.
func (c *candidates) offer(x candidate, enough usage) {
	heap.Push(c, x)
	c.frees.bytes += x.size
	c.frees.files++
	for len(c.all) > mostCandidates || c.isEnoughWithoutTheLeast(enough) {
		spared := heap.Pop(c).(candidate)
		c.frees.bytes -= spared.size
		c.frees.files--
	}
}

func (c *candidates) isEnoughWithoutTheLeast(enough usage) bool {
	return len(c.all) > 0 && c.frees.bytes-c.all[0].size >= enough.bytes && c.frees.files-1 >= enough.files
}
