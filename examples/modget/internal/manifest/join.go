package manifest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// joined returns what lists all that a and b list. A GoSum can be asked about one
// file at a time, and no more; so its lines are written down and parsed again,
// under the names of all files at once.
func joined(a, b *verify.GoSum) *verify.GoSum {
	switch {
	case a == nil:
		return b
	case b == nil || a == b:
		return a
	}
	var text strings.Builder
	names := writeSums(&text, a)
	for _, name := range writeSums(&text, b) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	both, err := verify.ParseGoSum(strings.Join(names, ", "), []byte(text.String()))
	if err != nil {
		panic(err) // the lines are those of go.sum files that were parsed
	}
	return both
}

// writeSums writes the lines of a go.sum file, and returns which files they are
// from.
func writeSums(w io.Writer, sums *verify.GoSum) (names []string) {
	for _, req := range sums.Files() {
		v := module.Version{Path: req.Module(), Version: req.Version()}
		want, err := sums.Expect(context.Background(), v, req.Kind())
		if err != nil {
			continue // not so for a file that is listed
		}
		suffix := ""
		if req.Kind() == upstream.Mod {
			suffix = "/go.mod"
		}
		for _, hash := range slices.Concat(want.Zip, want.Mod) {
			fmt.Fprintf(w, "%s %s%s %s\n", v.Path, v.Version, suffix, hash)
		}
		for name := range strings.SplitSeq(want.By, ", ") {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
