package verify_test

import (
	archive "archive/zip"
	endian "encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where the directory of a zip says something odd, reading it in pieces comes to
// the go command's conclusion.
func TestDirectoryInPieces(t *testing.T) {
	zip := zipOf(t, entry{name: "a", content: "1"}, entry{name: "b", content: "2"}, entry{name: "c", content: "3"})
	start := strings.Index(zip, "PK\x01\x02")
	record := (len(zip) - 22 - start) / 3
	zip64 := asZip64(zip)
	tests := []struct {
		name, zip string
		refused   bool
	}{
		{"as it should be", zip, false},
		{"zip64", zip64, false},
		{"comment that is missing", edit(zip, -2, "\x05\x00"), true},
		{"comment that is missing, zip64", edit(zip64, -2, "\x05\x00"), true},
		{"fewer files than there are", edit(zip, -12, "\x02\x00"), true},
		{"fewer files than there are, and shorter", edit(edit(zip, -12, "\x02\x00"), -10, string([]byte{byte(2 * record)})), true},
		{"more files than there are", edit(zip, -12, "\x04\x00"), true},
		{"65,536 files more than there are", edit(zip64, -66, "\x03\x00\x01\x00"), false}, // archive/zip looks at 16 bits
		{"shorter than it is", edit(zip, -10, string([]byte{byte(2 * record)})), false},
		{"longer than it is", edit(zip, -10, string([]byte{byte(record*3 + 1)})), true},
		{"bytes between it and its end", zip[:len(zip)-22] + "junk" + zip[len(zip)-22:], false},
		{"bytes at its end", edit(zip[:len(zip)-22]+"junk"+zip[len(zip)-22:], -10, string([]byte{byte(record*3 + 4)})), false},
		{"other bytes in the middle", edit(zip, start+record-len(zip), "PK\x01\x03"), true},
		{"other bytes at the end of it", edit(zip, -22, "PK\x05\x05"), true},
		{"offset beyond the end", edit(zip, -6, "\xff\xff\xff\x7f"), true},
		{"zip64 locator without signature", edit(zip64, -42, "PK\x06\x05"), true},
		{"zip64 locator of another disk", edit(zip64, -38, "\x01"), true},
		{"zip64 locator for elsewhere", edit(zip64, -34, "\x00"), true},
		{"zip64 locator of two disks", edit(zip64, -26, "\x02"), true},
		{"zip64 end without signature", edit(zip64, -98, "PK\x06\x05"), true},
		{"zip64 offset that overflows", edit(zip64, -50, "\xff\xff\xff\xff\xff\xff\xff\xff"), true},
		{"size for which zip64 fields are missing", edit(zip, start+record+20-len(zip), "\xff\xff\xff\xff"), true},
		{"length that means zip64", hiding(t, "evil"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hash, err := dirHashOf(t, test.zip)
			want := hashed{hash, err != nil}
			if want.Failed != test.refused {
				t.Fatalf("the go command's error is %v", err)
			}
			for n := 1; n <= 3; n++ {
				if diff := cmp.Diff(want, inPieces(test.zip, n)); diff != "" {
					t.Errorf("in pieces of %d (-go +ours):\n%s", n, diff)
				}
			}
		})
	}
}

// edit replaces bytes that are counted from the end.
func edit(zip string, at int, with string) string {
	at += len(zip)
	return zip[:at] + with + zip[at+len(with):]
}

// hiding makes a zip with two files. The second's header has a comment that
// makes it 65,535 bytes long, for which archive/zip looks for a zip64 end before
// the usual one. There is one if the header alone is taken for a directory: that
// of a directory in which the file has another name.
func hiding(t *testing.T, name string) string {
	const length = 0xffff
	first, second := entry{name: "a", content: "x"}, entry{name: "good", content: "y"}
	other := zipOf(t, first, entry{name: name, content: "y"})
	header := other[strings.LastIndex(other, "PK\x01\x02") : len(other)-22]
	end := zip64End(length-76, 1, len(header), length-76-len(header))
	padding := strings.Repeat(" ", length-46-len(second.name)-len(header)-len(end))
	second.lie = func(h *archive.FileHeader) { h.Comment = padding + header + end; crcAfter(h) }
	return zipOf(t, first, second)
}

// asZip64 gives a zip without a comment the ends of one with too many files for
// the usual end.
func asZip64(zip string) string {
	le, size := endian.LittleEndian, len(zip)-22
	end := []byte(zip[size:])
	records, length, offset := le.Uint16(end[10:]), le.Uint32(end[12:]), le.Uint32(end[16:])
	return zip[:size] + zip64End(size, int(records), int(length), int(offset)) +
		zip[size:size+8] + strings.Repeat("\xff", 12) + "\x00\x00"
}

// zip64End returns the end that is at an offset of a zip, and its locator.
func zip64End(at, records, length, offset int) string {
	le := endian.LittleEndian
	b := le.AppendUint32(nil, 0x06064b50)
	b = le.AppendUint64(b, 44)         // what follows
	b = append(b, make([]byte, 12)...) // versions, disks
	for _, v := range []int{records, records, length, offset} {
		b = le.AppendUint64(b, uint64(v))
	}
	b = le.AppendUint64(b, 0x07064b50) // and the first disk
	b = le.AppendUint64(b, uint64(at))
	return string(le.AppendUint32(b, 1))
}
