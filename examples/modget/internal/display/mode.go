package display

import (
	"os"

	"golang.org/x/term"
)

// A Mode says how a download is shown. The package's comment says what each writes where.
type Mode int

// The modes. Bars is the zero value; it is for a terminal only (see [ModeFor]).
const (
	Bars  Mode = iota // for a person who watches
	Plain             // for a pipe, or the log of a build
	JSON              // for a program
	Quiet             // for a script that only cares about failures
)

// ModeFor returns Bars if f is a terminal that can show them, else Plain. It can if
// TERM says what it is and that is not "dumb", and CI is not set: a build service may
// give its jobs a terminal, but keeps a log of it. Windows sets no TERM, and so gets
// Plain: not every console there knows the escapes that move the cursor.
//
// f is where the bars would go: standard error.
func ModeFor(f *os.File, getenv func(string) string) Mode {
	switch getenv("CI") {
	case "", "0", "false":
	default:
		return Plain
	}
	if t := getenv("TERM"); t == "" || t == "dumb" {
		return Plain
	}
	if f == nil || !term.IsTerminal(int(f.Fd())) {
		return Plain
	}
	return Bars
}
