package verify

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	// maxZipName is the longest name of a zip entry, in bytes. No file system
	// takes a path that is longer.
	maxZipName = 4096

	// maxZipNames bounds, over all entries, the sum of a name's length times its
	// elements. Finding names that differ only in case, as x/mod does, keeps
	// every directory of every name and takes about as many bytes of memory.
	maxZipNames = 256 << 20
)

var errZipNames = errors.New("the names in it are too many and too long")

// checkZipNames looks at the names in a zip before anything is done with them
// that costs more than reading them.
func checkZipNames(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil {
		return err
	}
	var cost int
	for _, f := range z.File {
		if len(f.Name) > maxZipName {
			return fmt.Errorf("it has a name of %d bytes", len(f.Name))
		}
		if cost += len(f.Name) * (1 + strings.Count(f.Name, "/")); cost > maxZipNames {
			return errZipNames
		}
	}
	return nil
}
