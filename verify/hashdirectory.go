package verify

import (
	archive "archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

const (
	// maxPieceFiles and maxPieceBytes bound the piece of a zip's directory that
	// is in memory: archive/zip needs up to half a kilobyte for each file.
	maxPieceFiles = 4096
	maxPieceBytes = 1 << 20

	endLen, locatorLen, end64Len, headerLen = 22, 20, 56, 46
)

// A directory is where a zip's directory is. There is one only for a zip of
// which archive/zip, too, can see no other: with nothing between the directory
// and its end, and nothing after that. All zips that the go command makes are
// so. Of others we do not want to have an opinion, lest it differ from that of
// the go command that unpacks them.
type directory struct{ offset, length, records uint64 }

func findDirectory(content io.ReaderAt, size int64) (directory, bool) {
	var tail [end64Len + locatorLen + endLen]byte
	if size < int64(len(tail)) {
		return directory{}, false
	}
	if n, _ := content.ReadAt(tail[:], size-int64(len(tail))); n < len(tail) {
		return directory{}, false
	}
	at := uint64(size - endLen)
	end, le := tail[end64Len+locatorLen:], binary.LittleEndian
	if le.Uint32(end) != 0x06054b50 || le.Uint16(end[20:]) != 0 { // there is a comment
		return directory{}, false
	}
	d := directory{uint64(le.Uint32(end[16:])), uint64(le.Uint32(end[12:])), uint64(le.Uint16(end[10:]))}
	if d.records == 0xffff || d.length == 0xffff || d.offset == 0xffffffff { // archive/zip's condition
		at = uint64(size) - uint64(len(tail))
		end64, locator := tail[:end64Len], tail[end64Len:]
		if le.Uint32(locator) != 0x07064b50 || le.Uint32(locator[4:]) != 0 || le.Uint64(locator[8:]) != at ||
			le.Uint32(locator[16:]) != 1 || le.Uint32(end64) != 0x06064b50 {
			return directory{}, false
		}
		d = directory{le.Uint64(end64[48:]), le.Uint64(end64[40:]), le.Uint64(end64[32:])}
	}
	return d, d.offset <= at && d.length == at-d.offset
}

// errIrregular says that a directory must be read in one piece, by archive/zip.
var errIrregular = errors.New("irregular zip directory")

// inPieces calls do for at most most files after the other. Only where the
// pieces are is found out here; what is in them is for archive/zip to say.
func (d directory) inPieces(content io.ReaderAt, most int, do func([]*archive.File) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(content, int64(d.offset), int64(d.length)), 32<<10)
	piece := make([]byte, 0, min(d.length, maxPieceBytes)+endLen)
	for d.records > 0 {
		var n int
		n, piece = cutPiece(in, int(min(d.records, uint64(most))), piece[:0])
		files, err := readPiece(content, n, piece)
		if err != nil {
			return err
		}
		if err := do(files); err != nil {
			return err
		}
		d.records -= uint64(n)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		return errIrregular
	}
	return nil
}

// cutPiece appends to piece at most most headers from in, or what is in their
// place.
func cutPiece(in *bufio.Reader, most int, piece []byte) (int, []byte) {
	n := 0
	for ; n < most && len(piece) < maxPieceBytes; n++ {
		header, err := in.Peek(headerLen)
		if err != nil {
			break
		}
		le := binary.LittleEndian
		length := headerLen + int(le.Uint16(header[28:])) + int(le.Uint16(header[30:])) + int(le.Uint16(header[32:]))
		start := len(piece)
		piece = append(piece, make([]byte, length)...)
		if _, err := io.ReadFull(in, piece[start:]); err != nil {
			break
		}
	}
	return n, piece
}

// readPiece has archive/zip read n headers as if they were a whole directory,
// and then the files that they tell of from content.
func readPiece(content io.ReaderAt, n int, piece []byte) ([]*archive.File, error) {
	if n == 0 || len(piece) == 0xffff { // that length would mean zip64
		return nil, errIrregular
	}
	end := make([]byte, endLen)
	le := binary.LittleEndian
	le.PutUint32(end, 0x06054b50)
	le.PutUint16(end[10:], uint16(n))
	le.PutUint32(end[12:], uint32(len(piece)))
	from := &switched{bytes.NewReader(append(piece, end...))}
	r, err := archive.NewReader(from, int64(len(piece)+endLen))
	if err != nil || len(r.File) != n {
		return nil, errIrregular
	}
	from.ReaderAt = content
	return r.File, nil
}

// switched is read from what it was last set to.
type switched struct{ io.ReaderAt }
