package verify

import (
	archive "archive/zip"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/zip"
)

// workBound bounds the work that a zip can ask for, by what its directory
// declares. The compressed sizes count as well: entries may share their bytes,
// and many of them that inflate to nothing are a bomb too.
type workBound struct{ inflated, deflated uint64 }

// take counts files. Its error means that none of them is to be opened.
func (b *workBound) take(files []*archive.File) error {
	for _, f := range files {
		if strings.Contains(f.Name, "\n") { // it would pass for several lines of what is hashed
			return errNewline
		}
		if f.UncompressedSize64 > zip.MaxZipFile-b.inflated || f.CompressedSize64 > zip.MaxZipFile-b.deflated {
			return fmt.Errorf("zip declares to hold more than the %d bytes allowed", zip.MaxZipFile)
		}
		b.inflated += f.UncompressedSize64
		b.deflated += f.CompressedSize64
	}
	return nil
}

var errNewline = errors.New("zip has a file name with a newline, for which there is no hash")
