package survey

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A candidate is a source that can be recommended, if it is needed.
type candidate struct {
	Figures
	place int      // in the list as it was
	lacks []string // that other candidates have
}

func (k candidate) complete() bool { return len(k.lacks) == 0 }

// unchecked reports whether the Verifier vouched for nothing that it sends.
func (k candidate) unchecked() bool { return k.Agreement.Confirmed == 0 }

// absent returns the files that could not be had from it, whatever it says.
func (k candidate) absent() []string { return slices.Concat(k.Coverage.Missing, k.Coverage.Failed) }

func (k candidate) compare(other candidate) int {
	return cmp.Or(cmp.Compare(k.flaws(), other.flaws()), k.compareSpeed(other))
}

// flaws ranks what is no reason to leave a source out: lists that are behind weigh
// less than failures.
func (k candidate) flaws() int {
	n := 0
	if k.Failures > 0 {
		n += 2
	}
	if k.behind() {
		n++
	}
	return n
}

func (f Figures) behind() bool {
	return slices.ContainsFunc(f.Lists, func(l ListFigures) bool { return l.Behind })
}

// compareSpeed takes a source of which too little is known for the slowest.
func (k candidate) compareSpeed(other candidate) int {
	const slowest = time.Duration(math.MaxInt64)
	return cmp.Compare(cmp.Or(k.Estimate, slowest), cmp.Or(other.Estimate, slowest))
}

// like reports whether other, which is not faster, is about as good: another run
// might well turn the two around.
func (k candidate) like(other candidate) bool {
	return k.flaws() == other.flaws() && other.Estimate-k.Estimate <= k.Estimate/10 && (k.Estimate > 0) == (other.Estimate > 0)
}

// share is the part of its calls that it failed.
func (f Figures) share() float64 { return float64(f.Failures) / float64(max(1, f.Calls)) }

func intersect(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

func subtract(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
