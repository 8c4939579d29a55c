package verify

import (
	"math/bits"
	"sync"
)

const (
	maxLit, maxDist = 286, 30 // codes that have a meaning

	litBits, distBits, orderBits = 10, 8, 7 // of the first table
	tableSize                    = 8192

	// What an entry of a table is, but for one that is the base of a length or a
	// distance. Below: how many bits its code has (6 bits), and how many follow or,
	// of a second table, choose in it (4 bits, from 8 on). Above, from 16 on: what
	// it stands for, or where the second table is.
	entryLiteral, entryEnd, entryBad, entrySub = 1 << 12, 1 << 13, 1 << 14, 1 << 15
)

// huffman decodes one code. A code that is longer than the first table has bits goes
// on in a second one behind it: there are at most 143 of two codes and of 32 entries
// each, or 15 of 128.
type huffman struct{ table [tableSize]uint32 }

// set makes the tables for codes of the given lengths; entry says what each stands
// for. It reports whether they are what compress/flate accepts: complete, or one code
// of one bit, or none.
func (h *huffman) set(lengths []uint8, first uint, entry func(symbol int) uint32) bool {
	var count, code [17]int
	longest := uint(0)
	for _, n := range lengths {
		count[n]++
		longest = max(longest, uint(n))
	}
	count[0] = 0
	for n := 1; n <= 15; n++ {
		code[n+1] = (code[n] + count[n]) << 1
	}
	total := code[longest+1] >> 1
	if longest > 0 && total != 1<<longest && !(total == 1 && longest == 1) {
		return false
	}
	empty := uint32(0)
	if longest < 2 {
		empty = entryBad // not all will be filled
	}
	for i := range 1 << first {
		h.table[i] = empty
	}
	behind, second := 1<<first, max(longest, first)-first
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(code[n])) >> (16 - n))
		code[n]++
		e := entry(symbol) | uint32(n)
		if uint(n) <= first {
			for i := reversed; i < 1<<first; i += 1 << n {
				h.table[i] = e
			}
			continue
		}
		at := &h.table[reversed&(1<<first-1)]
		if *at == 0 {
			*at = uint32(behind)<<16 | entrySub | uint32(second)<<8
			behind += 1 << second
		}
		sub := h.table[*at>>16:][:1<<second]
		for i := reversed >> first; i < 1<<second; i += 1 << (uint(n) - first) {
			sub[i] = e
		}
	}
	return true
}

// litEntry is what a code for a literal, the end or a length stands for.
func litEntry(symbol int) uint32 {
	switch {
	case symbol < 256:
		return uint32(symbol)<<16 | entryLiteral
	case symbol == 256:
		return entryEnd
	case symbol < 265:
		return uint32(symbol-257+3) << 16
	case symbol < 285:
		extra := uint32(symbol-261) / 4
		return (uint32(symbol-261)%4+4)<<extra<<16 + 3<<16 | extra<<8
	case symbol == 285:
		return matchMost << 16
	}
	return entryBad
}

// distEntry is what a code for a distance stands for.
func distEntry(symbol int) uint32 {
	switch {
	case symbol < 4:
		return uint32(symbol+1) << 16
	case symbol < maxDist:
		extra := uint32(symbol-2) / 2
		return ((uint32(symbol)%2+2)<<extra+1)<<16 | extra<<8
	}
	return entryBad
}

func orderEntry(symbol int) uint32 { return uint32(symbol) << 16 }

// fixedCodes returns the codes of blocks that bring none.
var fixedCodes = sync.OnceValues(func() (lit, dist *huffman) {
	lit, dist = new(huffman), new(huffman)
	var lengths [288]uint8
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
	lit.set(lengths[:], litBits, litEntry)
	dist.set([]uint8{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}, distBits, distEntry)
	return lit, dist
})

// lengthOrder is in which order the lengths of the codes for lengths come.
var lengthOrder = [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codes reads the codes that a block brings.
func (z *inflater) codes() bool {
	lits, dists, orders := z.take(5)+257, z.take(5)+1, z.take(4)+4
	if lits > maxLit || dists > maxDist {
		return false
	}
	var lengths [19]uint8
	for _, i := range lengthOrder[:orders] {
		z.fill()
		lengths[i] = uint8(z.take(3))
	}
	if !z.order.set(lengths[:], orderBits, orderEntry) {
		return false
	}
	all := z.lengths[:lits+dists]
	for n := 0; n < len(all); {
		z.fill()
		e := z.order.table[z.bits&(1<<orderBits-1)]
		if e&entryBad != 0 || z.lent > 8 {
			return false
		}
		z.take(uint(e & 63))
		symbol := e >> 16
		if symbol < 16 {
			all[n] = uint8(symbol)
			n++
			continue
		}
		var value uint8
		var repeat int
		switch symbol {
		case 16:
			if n == 0 {
				return false
			}
			value, repeat = all[n-1], 3+z.take(2)
		case 17:
			repeat = 3 + z.take(3)
		case 18:
			repeat = 11 + z.take(7)
		}
		if repeat > len(all)-n {
			return false
		}
		for range repeat {
			all[n] = value
			n++
		}
	}
	return z.lit.set(all[:lits], litBits, litEntry) && z.dist.set(all[lits:], distBits, distEntry)
}
