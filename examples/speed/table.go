package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
)

// A table is what a run prints: one line for each promise, as soon as it is known.
type table struct{ w io.Writer }

const tableRow = "%-42s %11s %11s  %-29s %7s  %-15s %-15s %s\n"

func (t table) head() {
	fmt.Fprintf(t.w, tableRow, "promise", "ours", "limit", "the limit is", "ratio", "quartiles", "floor", "verdict")
}

func (t table) row(o *outcome) {
	p := o.promise
	if o.skipped != "" {
		fmt.Fprintf(t.w, "%-42s skipped: %s\n", p.name, o.skipped)
		return
	}
	ours, limit, q := quartilesOf(values(o.ours)).median, quartilesOf(values(o.limit)).median, o.comparisons()
	fmt.Fprintf(t.w, tableRow, p.name, format(ours, p.unit), format(limit, p.unit), p.against,
		ratio(q.median), ratio(q.lower)+" - "+ratio(q.upper), p.floorText(), o.verdict())
}

// foot says how to read the table, and what is lost.
func (t table) foot(outcomes []*outcome) {
	n := 0
	for _, o := range outcomes {
		if o.verdict() == lost {
			n++
		}
	}
	fmt.Fprintf(t.w, `
ratio: median of the rounds' ratios. With ">=" it is our speed as a part of the limit's, more is better;
with "<=" what we take as a multiple of the limit (of allocations: what we take more), less is better.
"-": a figure without a bound. aim: what it ought to be where the bound is only what holds today.
%d of %d are lost. On a busy machine that says little: look again when nothing else runs.
`, n, len(outcomes))
}

func (p promise) floorText() string {
	if p.floor == 0 {
		return "-"
	}
	text := p.compare.sign() + " " + strconv.FormatFloat(p.floor, 'f', -1, 64)
	if p.aim != 0 {
		text += " (aim " + strconv.FormatFloat(p.aim, 'f', -1, 64) + ")"
	}
	return text
}

func ratio(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// format writes a figure for people. Times and bytes have three digits.
func format(x float64, unit string) string {
	switch unit {
	case "ns/op":
		return digits(x, []string{"ns", "µs", "ms", "s"}, 1000)
	case "B/op":
		return digits(x, []string{"B", "KiB", "MiB", "GiB"}, 1<<10)
	case "allocs/op":
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64) + " " + unit
}

// digits writes x with three digits and the first of the units, each of which is step
// of the one before, in which it is less than step.
func digits(x float64, units []string, step float64) string {
	i := 0
	for math.Abs(x) >= step && i < len(units)-1 {
		x /= step
		i++
	}
	places := 2
	if math.Abs(x) >= 100 {
		places = 0
	} else if math.Abs(x) >= 10 {
		places = 1
	}
	return strconv.FormatFloat(x, 'f', places, 64) + " " + units[i]
}
