package verify

import (
	"bufio"
	"io"
)

// Inflate inflates one stream, and tells how much of r is left then.
func Inflate(r io.Reader, block int, out io.Writer) (left int64, ok bool) {
	in := bufio.NewReaderSize(r, block)
	ok = new(inflater).inflate(in, func(p []byte) bool { out.Write(p); return true })
	left, _ = io.Copy(io.Discard, in)
	return left, ok
}
