package verify

import (
	"bufio"
	"encoding/binary"
)

const (
	window     = 32 << 10 // how far back a match may reach, in bytes
	inflateOut = 64 << 10 // how much is handed on at a time, about
	matchMost  = 258
	matchSlack = 8 // matches are copied in words
)

// An inflater inflates deflated data (RFC 1951) in about half the time that
// compress/flate takes: it has its input and output in hand, decodes from a word of bits, and is
// never asked to stop in between. It is meant for those who can check the outcome and
// have compress/flate for all that it does not like: it accepts nothing that
// compress/flate would not.
type inflater struct {
	in    *bufio.Reader
	src   []byte // what in has buffered
	next  int    // in src
	bits  uint64 // that were read, the next one lowest
	count uint   // of bits
	lent  int    // bytes of bits that were never there, behind the end

	out     [window + inflateOut + matchMost + matchSlack]byte
	from    int // in out: what is new
	to      int
	deliver func([]byte) bool

	lengths   [maxLit + maxDist]uint8
	lit, dist huffman
	order     huffman
}

// inflate inflates one stream of in, and leaves in after its last byte. It calls
// deliver with each part, and with none before each block, which returns whether to go
// on. It reports whether it
// reached the stream's end.
func (z *inflater) inflate(in *bufio.Reader, deliver func([]byte) bool) bool {
	z.in, z.deliver = in, deliver
	z.src, z.next, z.bits, z.count, z.lent, z.from, z.to = nil, 0, 0, 0, 0, 0, 0
	for last := false; !last; {
		if !deliver(nil) { // blocks may go on for ever and hold nothing
			return false
		}
		z.fill()
		last = z.take(1) == 1
		var ok bool
		switch z.take(2) {
		case 0:
			ok = z.stored()
		case 1:
			lit, dist := fixedCodes()
			ok = z.block(lit, dist)
		case 2:
			ok = z.codes() && z.block(&z.lit, &z.dist)
		}
		if !ok {
			return false
		}
	}
	z.giveBack()
	z.in.Discard(z.next)
	return z.lent == 0 && z.flush()
}

// take returns the next n bits, which must be there.
func (z *inflater) take(n uint) int {
	v := int(z.bits & (1<<n - 1))
	z.bits >>= n
	z.count -= n
	return v
}

// fill makes at least 48 bits be there: as much as a match takes. Behind the end they
// are zeros, and whoever ends there has not ended well.
func (z *inflater) fill() {
	if z.next+8 <= len(z.src) {
		z.bits |= binary.LittleEndian.Uint64(z.src[z.next:]) << z.count
		z.next += int(63-z.count) >> 3
		z.count |= 56
		return
	}
	z.giveBack()
	z.in.Discard(z.next)
	z.src, _ = z.in.Peek(8) // less at the end
	z.src, _ = z.in.Peek(z.in.Buffered())
	z.next = 0
	for z.count < 56 {
		var b byte
		if z.next < len(z.src) {
			b = z.src[z.next]
			z.next++
		} else {
			z.lent++
		}
		z.bits |= uint64(b) << z.count
		z.count += 8
	}
}

// giveBack has the whole bytes that are in bits be unread.
func (z *inflater) giveBack() {
	n := int(z.count >> 3)
	lent := min(n, z.lent)
	z.lent -= lent
	z.next -= n - lent
	z.count &= 7
	z.bits &= 1<<z.count - 1
}

// flush delivers what is new, and keeps what matches may reach back to.
func (z *inflater) flush() bool {
	if !z.deliver(z.out[z.from:z.to]) {
		return false
	}
	if z.to > window {
		copy(z.out[:window], z.out[z.to-window:z.to])
		z.to = window
	}
	z.from = z.to
	return true
}

// stored copies a block that is not deflated.
func (z *inflater) stored() bool {
	z.giveBack()
	z.bits, z.count = 0, 0
	z.in.Discard(z.next)
	z.src, z.next = nil, 0
	header, err := z.in.Peek(4)
	if err != nil {
		return false
	}
	n := int(binary.LittleEndian.Uint16(header))
	if uint16(n) != ^binary.LittleEndian.Uint16(header[2:]) {
		return false
	}
	z.in.Discard(4)
	for n > 0 {
		read, err := z.in.Read(z.out[z.to:min(z.to+n, window+inflateOut)])
		z.to += read
		n -= read
		if z.to == window+inflateOut && !z.flush() || err != nil {
			return false
		}
	}
	return true
}

// block inflates a block of the given codes.
func (z *inflater) block(lit, dist *huffman) bool {
	for {
		if z.lent > 8 {
			return false
		}
		result := z.symbols(lit, dist)
		if z.to >= window+inflateOut && !z.flush() {
			return false
		}
		if result != blockGoesOn {
			return result == blockEnds
		}
	}
}

const (
	blockGoesOn = iota
	blockEnds
	blockBad
)

// symbols decodes until the output is full, the input is behind what it has in hand,
// or the block ends. Its state is in variables, which is what makes it fast.
func (z *inflater) symbols(lit, dist *huffman) int {
	z.fill()
	src, next, bits, count := z.src, z.next, z.bits, z.count
	out, to := z.out[:], z.to
	result := blockGoesOn
loop:
	for {
		e := lit.table[bits&(1<<litBits-1)]
		if e&entrySub != 0 {
			e = lit.table[(uint64(e>>16)+bits>>litBits&(1<<(e>>8&15)-1))&(tableSize-1)]
		}
		bits >>= e & 63
		count -= uint(e & 63)
		switch {
		case e&entryLiteral != 0:
			out[to] = byte(e >> 16)
			to++
		case e&(entryEnd|entryBad) != 0:
			result = blockEnds
			if e&entryBad != 0 {
				result = blockBad
			}
			break loop
		default:
			extra := e >> 8 & 15
			length := int(e>>16) + int(bits&(1<<extra-1))
			bits >>= extra
			d := dist.table[bits&(1<<distBits-1)]
			if d&entrySub != 0 {
				d = dist.table[(uint64(d>>16)+bits>>distBits&(1<<(d>>8&15)-1))&(tableSize-1)]
			}
			bits >>= d & 63
			more := d >> 8 & 15
			far := int(d>>16) + int(bits&(1<<more-1))
			bits >>= more
			count -= uint(extra + d&63 + more)
			if d&entryBad != 0 || far > to {
				result = blockBad
				break loop
			}
			copyMatch(out, to, far, length)
			to += length
		}
		if to >= window+inflateOut || next+8 > len(src) {
			break
		}
		if count < 48 {
			bits |= binary.LittleEndian.Uint64(src[next:]) << count
			next += int(63-count) >> 3
			count |= 56
		}
	}
	z.next, z.bits, z.count, z.to = next, bits, count, to
	return result
}

// copyMatch repeats what was far before. It may write a few bytes more.
func copyMatch(out []byte, to, far, length int) {
	if far < 8 {
		for i := to; i < to+length; i++ {
			out[i] = out[i-far]
		}
		return
	}
	for i := to; i < to+length; i += 8 {
		binary.LittleEndian.PutUint64(out[i:], binary.LittleEndian.Uint64(out[i-far:]))
	}
}
