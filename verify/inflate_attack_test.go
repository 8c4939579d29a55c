package verify_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// nearly writes deflated streams that are valid but for what chance makes of them: as a
// fuzzer of plain bytes hardly ever does, for a code has to be complete.
type nearly struct {
	rand *rand.Rand
	bits []bitField
	size int
	out  int
}

func (n *nearly) put(v, width int) { n.bits, n.size = append(n.bits, bitField{v, width}), n.size+width }

func (n *nearly) chance(one int) bool { return n.rand.IntN(one) == 0 }

// lengthsOf makes a complete code of some of that many symbols, or nearly one.
func (n *nearly) lengthsOf(symbols, longest int, must ...int) []int {
	lengths := make([]int, symbols)
	switch n.rand.IntN(12) {
	case 0: // one code
		lengths[n.rand.IntN(symbols)] = 1 + n.rand.IntN(2)
		return lengths
	case 1: // none
		if n.chance(3) {
			return lengths
		}
	}
	leaves := []int{1, 1}
	want := 2 + n.rand.IntN(symbols-1)
	deep := n.chance(2)
	for tries := 0; len(leaves) < min(want, symbols) && tries < 4*symbols; tries++ {
		i := n.rand.IntN(len(leaves))
		if deep {
			i = len(leaves) - 1 - n.rand.IntN(min(2, len(leaves)))
			if n.chance(4) {
				i = n.rand.IntN(len(leaves))
			}
		}
		if leaves[i] >= longest {
			deep = false
			continue
		}
		leaves[i]++
		leaves = append(leaves, leaves[i])
	}
	if n.chance(40) {
		leaves[n.rand.IntN(len(leaves))]++
	}
	if n.chance(40) {
		leaves[n.rand.IntN(len(leaves))]--
	}
	if n.chance(40) {
		leaves = leaves[:len(leaves)-1]
	}
	places := n.rand.Perm(symbols)
	for i, m := range must {
		if m >= symbols || i >= len(leaves) || n.chance(60) {
			continue
		}
		at := slices.Index(places, m)
		places[i], places[at] = places[at], places[i]
	}
	n.rand.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	for i, l := range leaves {
		lengths[places[i]] = min(max(l, 0), longest)
	}
	return lengths
}

// codesFor are the canonical codes, reversed as they are sent.
func codesFor(lengths []int) []bitField {
	codes := make([]bitField, len(lengths))
	code := 0
	for l := 1; l <= 15; l++ {
		for s, length := range lengths {
			if length != l {
				continue
			}
			r := 0
			for b := range l {
				r |= code >> b & 1 << (l - 1 - b)
			}
			codes[s] = bitField{r, l}
			code++
		}
		code <<= 1
	}
	return codes
}

var extraBits = func(s int) int {
	switch {
	case s < 265 || s == 285:
		return 0
	case s < 285:
		return (s - 261) / 4
	}
	return 0
}

func (n *nearly) body(lit, dist []bitField) {
	var lits, matches, dists []int
	for s, c := range lit {
		switch w := c.n; {
		case w == 0 || s == 256:
		case s < 256:
			lits = append(lits, s)
		default:
			matches = append(matches, s)
		}
	}
	for s, c := range dist {
		if c.n > 0 {
			dists = append(dists, s)
		}
	}
	count := n.rand.IntN(60)
	if n.chance(8) {
		count = n.rand.IntN(6000)
	}
	for range count {
		if n.out > 200_000 {
			break
		}
		if len(lits) > 0 && (len(matches) == 0 || len(dists) == 0 || n.out == 0 || n.chance(3)) {
			c := lit[lits[n.rand.IntN(len(lits))]]
			n.put(c.value, c.n)
			n.out++
			continue
		}
		if len(matches) == 0 || len(dists) == 0 {
			break
		}
		m := matches[n.rand.IntN(len(matches))]
		d := dists[n.rand.IntN(len(dists))]
		for range 8 { // mostly one that there can be
			if d < 4 && d < n.out || d >= 4 && (d&1+2)<<((d-2)/2)+1+1<<((d-2)/2) <= n.out || n.chance(300) {
				break
			}
			d = dists[n.rand.IntN(len(dists))]
		}
		if d >= 4 && (d&1+2)<<((d-2)/2)+1 > n.out || d < 4 && d >= n.out {
			if !n.chance(50) {
				continue
			}
		}
		n.put(lit[m].value, lit[m].n)
		extra := extraBits(m)
		if n.chance(4) {
			n.put(1<<extra-1, extra)
		} else {
			n.put(n.rand.IntN(1<<extra), extra)
		}
		n.put(dist[d].value, dist[d].n)
		if d >= 4 {
			more := (d - 2) / 2
			v := n.rand.IntN(1 << min(more, 13))
			if base := (d&1+2)<<more + 1; base+v > n.out && !n.chance(200) {
				v = max(0, min(v, n.out-base))
			}
			n.put(v, min(more, 13))
		}
		n.out += 3 + (m-257)*2
	}
	if lit[256].n > 0 && !n.chance(60) {
		n.put(lit[256].value, lit[256].n)
	}
}

func (n *nearly) fixed() {
	lengths := make([]int, 288)
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	dist := make([]int, 30)
	if n.chance(40) {
		dist = make([]int, 32)
	}
	codes := codesFor(lengths)
	for i := range dist {
		dist[i] = 5
	}
	if !n.chance(40) {
		codes = codes[:286]
	}
	n.body(codes, codesFor(dist))
}

func (n *nearly) stored() {
	if pad := -n.size & 7; pad > 0 {
		n.put(n.rand.IntN(1<<pad), pad)
	}
	l := n.rand.IntN(40)
	switch {
	case n.chance(4):
		l = 0
	case n.chance(6):
		l = n.rand.IntN(1 << 16)
	case n.chance(10):
		l = 1<<16 - 1
	}
	n.put(l, 16)
	c := ^l & 0xffff
	if n.chance(60) {
		c ^= 1 << n.rand.IntN(16)
	}
	n.put(c, 16)
	for range l {
		n.put(n.rand.IntN(256), 8)
	}
	n.out += l
}

func (n *nearly) dynamic() {
	lits, dists := 257+n.rand.IntN(30), 1+n.rand.IntN(30)
	if n.chance(50) {
		lits += n.rand.IntN(3)
	}
	if n.chance(50) {
		dists += n.rand.IntN(3)
	}
	lits, dists = min(lits, 288), min(dists, 32)
	lit := n.lengthsOf(lits, 15, 256)
	dist := []int{n.rand.IntN(3)}
	if dists > 1 {
		dist = n.lengthsOf(dists, 15)
	}
	all := append(slices.Clone(lit), dist...)
	var runs []bitField // symbol, extra
	for i := 0; i < len(all); {
		run := 1
		for i+run < len(all) && all[i+run] == all[i] {
			run++
		}
		switch {
		case all[i] == 0 && run >= 11 && !n.chance(9):
			r := min(run, 138)
			runs, i = append(runs, bitField{18, r - 11}), i+r
		case all[i] == 0 && run >= 3 && !n.chance(9):
			r := min(run, 10)
			runs, i = append(runs, bitField{17, r - 3}), i+r
		case i > 0 && all[i] == all[i-1] && run >= 3 && !n.chance(9):
			r := min(run, 6)
			runs, i = append(runs, bitField{16, r - 3}), i+r
		default:
			runs, i = append(runs, bitField{all[i], 0}), i+1
		}
	}
	if n.chance(60) {
		runs = append(runs, bitField{18, 0})
	}
	if n.chance(60) {
		runs[0] = bitField{16, 0}
	}
	var need []int
	for _, r := range runs {
		if !slices.Contains(need, r.value) {
			need = append(need, r.value)
		}
	}
	var order []int
	for range 200 {
		order = n.lengthsOf(19, 7)
		if n.chance(60) || !slices.ContainsFunc(need, func(s int) bool { return order[s] == 0 }) {
			break
		}
	}
	codes := codesFor(order)
	sequence := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	used := 19
	for used > 4 && order[sequence[used-1]] == 0 && !n.chance(10) {
		used--
	}
	n.put(lits-257, 5)
	n.put(dists-1, 5)
	n.put(used-4, 4)
	for _, s := range sequence[:used] {
		n.put(order[s], 3)
	}
	for _, r := range runs {
		n.put(codes[r.value].value, codes[r.value].n)
		switch r.value {
		case 16:
			n.put(r.n, 2)
		case 17:
			n.put(r.n, 3)
		case 18:
			n.put(r.n, 7)
		}
	}
	n.body(codesFor(lit), codesFor(dist))
}

func nearlyDeflated(seed uint64) []byte {
	n := &nearly{rand: rand.New(rand.NewPCG(seed, 1))}
	for last := false; !last; {
		last = n.chance(3)
		n.put(map[bool]int{true: 1}[last], 1)
		switch kind := n.rand.IntN(20); {
		case kind < 3:
			n.put(0, 2)
			n.stored()
		case kind < 7:
			n.put(1, 2)
			n.fixed()
		case kind == 7 && n.chance(10):
			n.put(3, 2)
		default:
			n.put(2, 2)
			n.dynamic()
		}
	}
	data := bitsOf(n.bits...)
	switch n.rand.IntN(12) {
	case 0:
		data = data[:n.rand.IntN(len(data)+1)]
	case 1:
		data[n.rand.IntN(len(data))] ^= 1 << n.rand.IntN(8)
	case 2:
		data = data[:max(0, len(data)-1-n.rand.IntN(3))]
	}
	return data
}

// Of streams that are nearly valid, those are accepted, of the same length and content,
// that compress/flate accepts.
func TestInflateNearlyValid(t *testing.T) {
	accepted, streams := 0, 5000
	if testing.Short() {
		streams = 1000
	}
	for seed := range uint64(streams) {
		data := nearlyDeflated(seed)
		for _, behind := range []string{"", "b", strings.Repeat("behind", 5)} {
			if inflatesAlike(t, append(slices.Clip(data), behind...), 16<<(seed%12)) {
				accepted++
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d of %d accepted", accepted, 3*streams)
	if accepted < streams/3 {
		t.Errorf("%d of %d accepted: too few to tell", accepted, 3*streams)
	}
}

func FuzzInflateNearlyValid(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint16(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, block uint16) { inflatesAlike(t, nearlyDeflated(seed), int(block)) })
}
