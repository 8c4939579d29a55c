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

// showsSteps is whether there is a terminal for a line that says what is going on.
func (a *app) showsSteps() bool {
	return !a.json && !a.quiet && a.progress != "plain" && display.ModeFor(a.Err, os.Getenv) == display.Bars
}

// steps shows on a terminal how measuring comes along, in one line that is
// overwritten; nil where there is no terminal.
func (a *app) steps() func(survey.Step) {
	if !a.showsSteps() {
		return nil
	}
	var last time.Time
	return func(s survey.Step) {
		if time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		line := fmt.Sprintf("measuring: %d of %d, %s", s.Done, s.Total, s.Source)
		fmt.Fprintf(a.Err, "\r\x1b[K%s", line[:min(len(line), max(1, width(a.Err)-1))])
	}
}

// endSteps takes the line away.
func (a *app) endSteps() {
	if a.showsSteps() {
		fmt.Fprint(a.Err, "\r\x1b[K")
	}
}
