package main

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode"
)

// benchmarkName makes "warm .mod" "WarmMod", as benchmarks are named.
func benchmarkName(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// writeRecord writes what was measured in Go's benchmark format
// (https://go.dev/design/14313-benchmark-format), one line per round and side, so that
// benchstat can compare runs.
func writeRecord(w io.Writer, machine []metadata, outcomes []*outcome) error {
	b := bufio.NewWriter(w)
	for _, m := range machine {
		fmt.Fprintf(b, "%s: %s\n", m.key, m.value)
	}
	for _, o := range outcomes {
		name := "Benchmark" + benchmarkName(o.promise.name)
		writeSide(b, name+"/ours", o.promise.unit, o.ours)
		writeSide(b, name+"/limit", o.promise.unit, o.limit)
	}
	return b.Flush()
}

func writeSide(w io.Writer, name, unit string, samples []sample) {
	for _, s := range samples {
		fmt.Fprintf(w, "%s-%d 1 %.6g %s", name, runtime.GOMAXPROCS(0), s.value, unit)
		for _, m := range s.also {
			fmt.Fprintf(w, " %.6g %s", m.value, m.unit)
		}
		fmt.Fprintln(w)
	}
}
