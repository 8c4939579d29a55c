package display

import (
	"fmt"
	"strings"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/mod/module"
)

// Widths in columns. Numbers have a field of fixed width at the right, so that they do
// not dance. Where the terminal is narrower than wide, there are no bars and the
// numbers are few.
const (
	wide        = 70
	widest      = 119
	numbersWide = 35
	barLeast    = 12
	barMost     = 30
	gap         = 2
)

// A row is what one line of a frame shows.
type row struct {
	label, short string // its name, and a shorter one for a narrow terminal
	numbers, few string // likewise
	bar          barKind
	part         float64 // of 1: how much is here, where it is measured
}

type barKind int

const (
	none barKind = iota
	measured
	moving // something comes, but nobody knows how much
)

// zipRow is the row of a module under way.
func zipRow(m module.Version, from arrival, received int64, perSecond float64) row {
	r := row{label: ascii(m.Path + " " + m.Version), short: ascii(m.Path)}
	speed := rate(perSecond)
	switch {
	case from.source == "" && from.count == nil:
		r.numbers, r.few = from.waiting(), from.waiting()
	case from.size > 0:
		if received >= from.size { // what is left is for the checksum database
			speed = "verifying"
		}
		r.bar, r.part = measured, float64(received)/float64(from.size)
		r.numbers = numbers(size(received)+" of "+size(from.size), speed, "")
		r.few = few(fmt.Sprintf("%d%%", int(100*r.part)), speed, "")
	default:
		r.bar = moving
		r.numbers, r.few = numbers(size(received), speed, ""), few(size(received), speed, "")
	}
	return r
}

// numbers returns fields at fixed places. An amount that is by itself may be as wide
// as two.
func numbers(amount, speed, eta string) string {
	if eta == "" && strings.Contains(amount, " of ") {
		return fmt.Sprintf("%22s  %11s", amount, speed)
	}
	return fmt.Sprintf("%9s  %11s  %-11s", amount, speed, eta)
}

// few returns the fields that are not empty.
func few(fields ...string) string {
	var all []string
	for _, f := range fields {
		if f != "" {
			all = append(all, f)
		}
	}
	return strings.Join(all, " ")
}

// layout returns each row as a line of at most so many columns. Step moves the bars of
// what nobody knows the size of.
func layout(rows []row, columns, step int) []string {
	columns = max(1, min(columns, widest))
	lines := make([]string, len(rows))
	label := labelWidth(rows, columns)
	for i, r := range rows {
		if columns < wide {
			lines[i] = r.narrow(columns)
		} else {
			lines[i] = r.wide(label, columns, step)
		}
	}
	return lines
}

// labelWidth is that of the longest label, as far as there is room for it.
func labelWidth(rows []row, columns int) int {
	longest := 0
	for _, r := range rows {
		longest = max(longest, len(r.label))
	}
	return min(longest, columns-gap-barLeast-gap-numbersWide)
}

func (r row) wide(label, columns, step int) string {
	width := min(barMost, columns-label-gap-gap-numbersWide)
	line := fmt.Sprintf("%-*s  %-*s  %*s", label, fit(r.label, r.short, label), width, r.draw(width, step), numbersWide, r.numbers)
	return strings.TrimRight(line, " ")
}

func (r row) narrow(columns int) string {
	room := columns - len(r.few) - 1
	if room < len(r.short) && room < 4 {
		return cut(r.few, columns)
	}
	return fmt.Sprintf("%-*s %s", room, fit(r.label, r.short, room), r.few)
}

// draw returns the bar.
func (r row) draw(width, step int) string {
	switch r.bar {
	case measured:
		const whole = 10000
		var b strings.Builder
		style := mpb.BarStyle().Padding(" ").Build()
		style.Fill(&b, decor.Statistics{AvailableWidth: width, Total: whole, Current: int64(r.part * whole)})
		return b.String()
	case moving:
		return wander(width, step)
	}
	return ""
}

// wander returns a bar in which something goes to and fro.
func wander(width, step int) string {
	const thing = "<=>"
	room := width - len("[]") - len(thing)
	at := step % (2 * room)
	at = min(at, 2*room-at)
	return "[" + strings.Repeat(" ", at) + thing + strings.Repeat(" ", room-at) + "]"
}

// fit returns the label if there is room for it, else the short one, of which the end
// tells more than the beginning.
func fit(label, short string, columns int) string {
	if len(label) <= columns {
		return label
	}
	if len(short) <= columns {
		return short
	}
	if columns < 4 {
		return cut(short, columns)
	}
	return "..." + short[len(short)-columns+3:]
}

func cut(s string, columns int) string { return s[:min(len(s), max(0, columns))] }

// fewer returns as many rows as there is room for, and how many are left out. The line
// that says how many needs room too; where there is none at all, nothing is said.
func fewer(rows []row, room int) ([]row, int) {
	switch {
	case len(rows) <= room:
		return rows, 0
	case room <= 0:
		return nil, 0
	}
	return rows[: room-1 : room-1], len(rows) - room + 1
}

// withMore puts a line above the last that says how many are left out.
func withMore(lines []string, more, columns int) []string {
	if more == 0 {
		return lines
	}
	last := len(lines) - 1
	return append(lines[:last:last], cut(fmt.Sprintf("... and %d more", more), columns), lines[last])
}

// ascii makes sure that a byte is a column. Module paths and versions are ASCII; a query
// may name a branch that is not.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' && r != ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
