package verify

import (
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// sumFile is what one go.sum file lists.
type sumFile struct {
	name string
	sums map[fileOf][]string // h1 hashes
}

// fileOf is a module version's zip or go.mod file.
type fileOf struct {
	module module.Version
	kind   upstream.Kind
}

// emptyGoModHash is the hash of an empty go.mod file. A bug of the go command
// wrote it into go.sum files for what is not a module; it drops such lines, and
// so do we (cmd/go/internal/modfetch/fetch.go).
const emptyGoModHash = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="

// parseSumFile reads the content of a go.sum file as the go command does: three
// fields on a line, which is all that it asks of a line. Hashes of algorithms
// that are not known are as if they were not there.
func parseSumFile(name string, data []byte) (sumFile, error) {
	f := sumFile{name: name, sums: make(map[fileOf][]string)}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return sumFile{}, fmt.Errorf("%s:%d: malformed go.sum: wrong number of fields %d", name, number, len(fields))
		}
		if hash := fields[2]; strings.HasPrefix(hash, "h1:") && hash != emptyGoModHash {
			of := listedFile(fields[0], fields[1])
			f.sums[of] = append(f.sums[of], hash)
		}
	}
	return f, nil
}

// listedFile returns what a line is about, whose version ends in "/go.mod" if
// that is the go.mod file.
func listedFile(path, version string) fileOf {
	version, isMod := strings.CutSuffix(version, "/go.mod")
	m := module.Version{Path: path, Version: version}
	if isMod {
		return fileOf{m, upstream.Mod}
	}
	return fileOf{m, upstream.Zip}
}
