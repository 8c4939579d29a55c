package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A result is how one peer fared in one scenario.
type result struct {
	Scenario string    `json:"scenario"`
	Peer     string    `json:"peer"`
	Attempts []attempt `json:"attempts"`
	Requests int       `json:"requests"`          // that the sources and the database got meanwhile
	Problem  string    `json:"problem,omitempty"` // why nothing was measured

	counted string
	rounds  int
}

// notMeasured is the cell of a scenario that says nothing about a peer.
const notMeasured = "-"

// right reports whether all attempts were.
func (r result) right() bool {
	return r.Problem == "" && len(r.Attempts) > 0 && !slices.ContainsFunc(r.Attempts, func(a attempt) bool { return !a.Right })
}

// cell says it in a few words.
func (r result) cell() string {
	switch {
	case r.Problem != "":
		return r.Problem
	case len(r.Attempts) == 0:
		return notMeasured
	}
	parts := r.parts()
	var words []string
	for _, part := range parts {
		words = append(words, verdict(part))
	}
	if len(parts) == 1 || alike(r.Attempts) {
		words = []string{verdict(r.Attempts)}
	} else {
		for i, part := range parts {
			words[i] = part[0].Part + " " + words[i]
		}
	}
	return strings.Join(words, "; ") + r.requests()
}

// parts groups the attempts by part, in order.
func (r result) parts() [][]attempt {
	var parts [][]attempt
	for _, a := range r.Attempts {
		i := slices.IndexFunc(parts, func(p []attempt) bool { return p[0].Part == a.Part })
		if i < 0 {
			parts = append(parts, []attempt{a})
			continue
		}
		parts[i] = append(parts[i], a)
	}
	return parts
}

// alike reports whether files fared in the same way, and as fast. Where a part is more
// than a file, its name is needed to understand the answer.
func alike(all []attempt) bool {
	fastest, slowest := all[0].Seconds, all[0].Seconds
	for _, a := range all {
		if strings.Contains(a.Part, " ") || a.Right != all[0].Right || !a.Right && a.Said != all[0].Said {
			return false
		}
		fastest, slowest = min(fastest, a.Seconds), max(slowest, a.Seconds)
	}
	return slowest < fastest+0.5 || slowest < 2*fastest
}

// requests is how many there were in a round, if that is worth a word.
func (r result) requests() string {
	if r.counted == "-" || r.rounds == 0 {
		return ""
	}
	each := math.Round(10*float64(r.Requests)/float64(r.rounds)) / 10
	if each == 1 {
		return ", 1 request"
	}
	return ", " + strconv.FormatFloat(each, 'f', -1, 64) + " requests"
}

// verdict is the outcome of the attempts at one thing: whether it was right, what was said
// if it was not, the median of the times, and the first of them if that is much longer.
func verdict(all []attempt) string {
	var wrong []string
	var times []float64
	for _, a := range all {
		times = append(times, a.Seconds)
		if !a.Right {
			wrong = append(wrong, a.Said)
		}
	}
	first := times[0]
	slices.Sort(times)
	median := times[len(times)/2]
	took := seconds(median)
	if first > 2*median && first > median+0.2 {
		took += " (first " + seconds(first) + ")"
	}
	switch {
	case len(wrong) == 0:
		return "yes" + statuses(all) + ", " + took
	case len(wrong) < len(all):
		return fmt.Sprintf("%d of %d: %s, %s", len(all)-len(wrong), len(all), wrong[0], took)
	case wrong[0] == gaveUp:
		return "no: " + gaveUp
	}
	return "no: " + wrong[0] + ", " + took
}

// statuses are what was answered, in parentheses, but for 200.
func statuses(all []attempt) string {
	var said []string
	for _, a := range all {
		if a.Said != "" && a.Said != "200" && !slices.Contains(said, a.Said) {
			said = append(said, a.Said)
		}
	}
	if said == nil {
		return ""
	}
	slices.Sort(said)
	return " (" + strings.Join(said, " or ") + ")"
}

// seconds writes a time as precisely as it makes sense where others have the machine, too.
func seconds(s float64) string {
	switch {
	case s < 0.01:
		return "under 0.01 s"
	case s < 0.95:
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	}
	return strconv.FormatFloat(s, 'f', 1, 64) + " s"
}
