package survey

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// defaultWidth is that of a terminal of which nothing is known.
const defaultWidth = 80

// WriteTable writes the report for people: a line for each source, what there is to
// say of it, and the recommendation. Lines have at most width columns, where 0 or less
// means 80; names, and tables with less than 76, may take more. The error is w's.
func (r *Report) WriteTable(w io.Writer, width int) error {
	if width <= 0 {
		width = defaultWidth
	}
	p := page{report: r, width: width}
	p.table()
	p.notes()
	p.disagreements()
	p.verdict()
	_, err := io.WriteString(w, p.b.String())
	return err
}

// A page is what is written, piece by piece.
type page struct {
	report *Report
	width  int
	b      strings.Builder
}

var columns = []string{"source", "first", "median", "p95", "zips", "has", "lists", "hashes", "failed"}

// table has the names in the first column if there is room, and else numbers, which
// the lines before it explain.
func (p *page) table() {
	rows := [][]string{columns}
	for _, f := range p.report.Sources {
		rows = append(rows, f.row())
	}
	if widthOf(rows) > p.width {
		for i, f := range p.report.Sources {
			rows[i+1][0] = strconv.Itoa(i + 1)
			fmt.Fprintf(&p.b, "%2d  %s\n", i+1, f.Name)
		}
		p.b.WriteByte('\n')
	}
	widths := widthsOf(rows)
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += pad(cell, widths[i], i == 0) + "  "
		}
		p.b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (f Figures) row() []string {
	if f.Skipped != "" {
		return []string{f.Name, "-", "-", "-", "-", "-", "-", "-", "-"}
	}
	return []string{f.Name,
		timeOf(f.Latency.First), timeOf(f.Latency.Median), timeOf(f.Latency.P95), f.Throughput.cell(),
		fmt.Sprintf("%d/%d", f.Coverage.Had, f.Coverage.Asked), f.listsCell(), f.Agreement.cell(),
		fmt.Sprintf("%d/%d", f.Failures, f.Calls)}
}

func timeOf(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return duration(d)
}

func (t Throughput) cell() string {
	if t.Count == 0 {
		return "-"
	}
	return rate(t.BytesPerSecond)
}

func (f Figures) listsCell() string {
	listed, behind := 0, 0
	for _, l := range f.Lists {
		if l.Listed > 0 || l.Latest != "" {
			listed++
		}
		if l.Behind {
			behind++
		}
	}
	switch {
	case listed == 0:
		return "-"
	case behind > 0:
		return fmt.Sprintf("%d old", behind)
	}
	return "new"
}

func (a Agreement) cell() string {
	switch {
	case len(a.Contradicted) > 0:
		return "WRONG"
	case len(a.Disputed) > 0:
		return "differ"
	case a.Confirmed > 0:
		return "right"
	case a.Shared > 0:
		return "same"
	}
	return "-"
}

func widthsOf(rows [][]string) []int {
	widths := make([]int, len(columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func widthOf(rows [][]string) int {
	sum := 2 * (len(columns) - 1)
	for _, w := range widthsOf(rows) {
		sum += w
	}
	return sum
}

// pad fills a cell up: names on the right, figures on the left.
func pad(cell string, width int, isName bool) string {
	fill := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(cell)))
	if isName {
		return cell + fill
	}
	return fill + cell
}
