package survey

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// duration writes d for people, with two or three digits.
func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d >= 10*time.Millisecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d >= time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	}
	return strconv.FormatInt(d.Microseconds(), 10) + " µs"
}

// age writes how long ago something was, in the largest unit that fits.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 730*day:
		return fmt.Sprintf("%d years", d/(365*day))
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// rate writes bytes per second for people.
func rate(bytesPerSecond float64) string {
	for _, unit := range []string{"B/s", "kB/s", "MB/s"} {
		if bytesPerSecond < 999.5 {
			return strconv.FormatFloat(bytesPerSecond, 'f', decimals(bytesPerSecond), 64) + " " + unit
		}
		bytesPerSecond /= 1000
	}
	return strconv.FormatFloat(bytesPerSecond, 'f', decimals(bytesPerSecond), 64) + " GB/s"
}

func decimals(x float64) int {
	if x < 9.95 {
		return 1
	}
	return 0
}

// wrap breaks text between words into lines of at most width, if its words allow it.
// The first begins with first, the others with as many spaces.
func wrap(first, text string, width int) string {
	var b strings.Builder
	line, indent := first, strings.Repeat(" ", len(first))
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > width {
			b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return b.String() + line + "\n"
}
