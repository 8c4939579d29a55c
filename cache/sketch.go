package cache

// A sketch counts roughly how often keys were asked for lately, in little
// memory: a count-min sketch (Cormode and Muthukrishnan, 2005) of four rows of
// four-bit counters, all of which are halved when as many keys have been counted
// as make the counts old (TinyLFU: Einziger, Friedman and Manes, 2017). It counts
// too high at times, and never too low but for the halving.
type sketch struct {
	words []uint64 // sixteen counters each; a row is a quarter of them
	mask  uint64   // of a counter within a row
	added int
	limit int // of added
}

const (
	sketchRows = 4
	maxCount   = 15

	// maxCounters bounds a row: 8 MiB for all four.
	maxCounters = 1 << 22

	// sampleFactor is how many times as many keys as there are counters in a row
	// are counted before the counts are halved.
	sampleFactor = 10
)

// newSketch returns a sketch for about that many keys.
func newSketch(keys int) *sketch {
	counters := 64
	for counters < min(keys, maxCounters) {
		counters *= 2
	}
	return &sketch{
		words: make([]uint64, sketchRows*counters/16),
		mask:  uint64(counters - 1),
		limit: sampleFactor * counters,
	}
}

// place returns where the counter of a row for a key is: its word, and how far
// to the left in that.
func (s *sketch) place(hash uint64, row int) (word int, shift uint64) {
	// Each row takes another mixture of the bits (a finalizer of SplitMix64).
	h := hash + uint64(row)*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	i := (h ^ h>>31) & s.mask
	return row*len(s.words)/sketchRows + int(i/16), i % 16 * 4
}

// add counts a key.
func (s *sketch) add(hash uint64) {
	for row := range sketchRows {
		word, shift := s.place(hash, row)
		if s.words[word]>>shift&maxCount < maxCount {
			s.words[word] += 1 << shift
		}
	}
	if s.added++; s.added >= s.limit {
		s.age()
	}
}

// count returns how often a key was counted, about.
func (s *sketch) count(hash uint64) uint64 {
	least := uint64(maxCount)
	for row := range sketchRows {
		word, shift := s.place(hash, row)
		least = min(least, s.words[word]>>shift&maxCount)
	}
	return least
}

// age halves all counts.
func (s *sketch) age() {
	for i := range s.words {
		s.words[i] = s.words[i] >> 1 & 0x7777777777777777
	}
	s.added /= 2
}
