package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"golang.org/x/term"
)

// width returns how many columns f has if it is a terminal; 0 if it is none.
func width(f *os.File) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// A line is one line on the terminal that is overwritten: it says what is going on where
// there are no bars. A nil line, where there is no terminal, shows nothing.
type line struct {
	terminal *os.File
	last     time.Time
}

func (a *app) line() *line {
	if a.json || a.quiet || a.progress == "plain" || display.ModeFor(a.Err, os.Getenv) != display.Bars {
		return nil
	}
	return &line{terminal: a.Err}
}

// show overwrites the line, ten times a second at most.
func (l *line) show(format string, args ...any) {
	if l == nil || time.Since(l.last) < 100*time.Millisecond {
		return
	}
	l.last = time.Now()
	text := display.Printable(fmt.Sprintf(format, args...))
	fmt.Fprintf(l.terminal, "\r\x1b[K%s", text[:min(len(text), max(1, width(l.terminal)-1))])
}

// close takes the line away.
func (l *line) close() {
	if l != nil {
		fmt.Fprint(l.terminal, "\r\x1b[K")
	}
}

// steps shows how measuring comes along.
func (l *line) steps() func(survey.Step) {
	return func(s survey.Step) { l.show("measuring: %d of %d, %s", s.Done, s.Total, s.Source) }
}
