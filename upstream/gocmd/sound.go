package gocmd

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
)

// The go command takes some failures of git for facts: where git cannot read
// the go.mod file of a version, the version has none, and the go command makes
// one up; where git cannot fetch a tag that is there, there is no such version.
// So when memory or process numbers run out, it may succeed and be wrong, or
// report the absence of what is there. That is found by comparing what it says
// that it runs (its flag -x) with what git notes of itself.

var errUnsound = errors.New("git was killed or could not be started, so nothing is proved")

// A narrated line is one that -x makes the go command print.
var (
	narratedGit = regexp.MustCompile(`(?m)^(cd [^;\n]*; )?git `)
	narrated    = regexp.MustCompile(`^(# |cd |git |mkdir |[0-9.]+s # )`)
)

// checkRuns says why a command's outcome, good or bad, is not to be trusted; nil:
// each git that it wanted to run did run, to its end. Without a trace, as of an
// old git, nothing is known and nothing said.
func checkRuns(runs []gitRun, out output) error {
	if len(runs) == 0 {
		return nil
	}
	traced := 0
	for _, r := range runs {
		if !r.does("version") { // that one is not announced
			traced++
		}
	}
	announced := len(narratedGit.FindAllIndex(out.stderr, -1))
	if announced > traced || slices.ContainsFunc(runs, func(r gitRun) bool { return !r.ended }) {
		return errUnsound
	}
	return nil
}

// complaints is what a command printed on standard error, but for what -x adds.
func (out output) complaints() string {
	var kept [][]byte
	for line := range bytes.Lines(out.stderr) {
		if !narrated.Match(line) {
			kept = append(kept, line)
		}
	}
	return string(bytes.TrimSpace(bytes.Join(kept, nil)))
}
