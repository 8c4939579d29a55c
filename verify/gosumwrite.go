package verify

import (
	"bytes"
	"io"
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// JoinGoSums returns a GoSum that lists what any of these lists, which go on to be
// named each for its own in errors. Where several list one file, one of the hashes
// must match. Those that are nil are passed over; nil is returned if all are.
func JoinGoSums(sums ...*GoSum) *GoSum {
	var all *GoSum
	for _, g := range sums {
		switch {
		case g == nil || g == all:
		case all == nil:
			all = g
		default:
			all = &GoSum{slices.Concat(all.files, g.files)}
		}
	}
	return all
}

// WriteTo writes what is listed as a go.sum file, in the order in which the go
// command has it, each line once. The error is w's.
func (g *GoSum) WriteTo(w io.Writer) (int64, error) {
	var text bytes.Buffer
	for _, line := range g.lines() {
		text.WriteString(line + "\n")
	}
	return text.WriteTo(w)
}

func (g *GoSum) lines() []string {
	files := map[module.Version][]string{} // as go.sum files name them
	for _, f := range g.files {
		for file, hashes := range f.sums {
			m := file.module
			if file.kind == upstream.Mod {
				m.Version += "/go.mod"
			}
			files[m] = append(files[m], hashes...)
		}
	}
	order := make([]module.Version, 0, len(files))
	for m := range files {
		order = append(order, m)
	}
	module.Sort(order)
	var lines []string
	for _, m := range order {
		hashes := slices.Compact(slices.Sorted(slices.Values(files[m])))
		for _, hash := range hashes {
			lines = append(lines, m.Path+" "+m.Version+" "+hash)
		}
	}
	return lines
}
