package verify

import (
	archive "archive/zip"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// HashMod returns the h1 hash of a go.mod file. The error is that of reading it.
func HashMod(goMod io.Reader) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(goMod), nil
	})
}

// HashZip returns the h1 hash of a module zip, as dirhash.HashZip does
// (golang.org/x/mod/sumdb/dirhash): every entry counts, directories too, and of
// entries with one name the last counts as often as there are. What that
// refuses is refused. So is a zip in which an entry is damaged that a later one
// of its name replaces, or that holds or declares to hold more than a module
// may (golang.org/x/mod/zip.MaxZipFile): no more than that is ever inflated.
//
// The entries are inflated and hashed on all cores, straight from content:
// neither the zip nor an entry is ever in memory as a whole. Of content that
// [Checksums] gives to a Verifier, what was hashed while it arrived is not hashed
// again. HashZip returns
// when its goroutines have ended. Its error has content's own in its chain.
func HashZip(content io.ReaderAt, size int64) (string, error) {
	return hashZip(content, size, maxPieceFiles)
}

func hashZip(content io.ReaderAt, size int64, pieceFiles int) (string, error) {
	if size > zip.MaxZipFile {
		return "", fmt.Errorf("zip has %d bytes, more than the %d allowed", size, zip.MaxZipFile)
	}
	known := followerOf(content, size)
	// Now only content's own failures are errors of reading, not what a bad zip
	// makes us ask of it.
	content = io.NewSectionReader(content, 0, size)
	if d, ok := findDirectory(content, size); ok && (d.records > uint64(pieceFiles) || d.length > maxPieceBytes) {
		sums := zipSums{content: content, known: known, files: make([]fileSum, 0, min(d.records, 1<<17))} // the directory may lie
		if err := d.inPieces(content, pieceFiles, sums.add); err != errIrregular {
			return sums.h1(err)
		}
	}
	r, err := archive.NewReader(content, size)
	if err != nil {
		return "", err
	}
	sums := zipSums{content: content, known: known}
	return sums.h1(sums.add(r.File))
}

// zipSums collects the hashes of a zip's files, in the order of its directory.
type zipSums struct {
	content io.ReaderAt // of the zip
	known   *follower   // of what was hashed already; nil: nothing
	files   []fileSum
	bound   workBound
}

type fileSum struct {
	name string
	sum  [sha256.Size]byte
}

func (z *zipSums) add(files []*archive.File) error {
	if err := z.bound.take(files); err != nil {
		return err
	}
	sums, err := hashFiles(z.content, files, z.known)
	if err != nil {
		return err
	}
	for i, f := range files {
		z.files = append(z.files, fileSum{f.Name, sums[i]})
	}
	return nil
}

// h1 is dirhash.Hash1 of files whose contents are hashed already, unless that
// failed with err.
func (z *zipSums) h1(err error) (string, error) {
	if err != nil {
		return "", err
	}
	slices.SortStableFunc(z.files, func(a, b fileSum) int { return cmp.Compare(a.name, b.name) })
	for i := len(z.files) - 2; i >= 0; i-- {
		if z.files[i].name == z.files[i+1].name {
			z.files[i] = z.files[i+1]
		}
	}
	h := sha256.New()
	var line []byte
	for _, f := range z.files {
		line = hex.AppendEncode(line[:0], f.sum[:])
		line = append(line, "  "...)
		line = append(line, f.name...)
		line = append(line, '\n')
		h.Write(line)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
