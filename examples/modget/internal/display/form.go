package display

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A form puts what happens into lines. An empty line is not shown.
type form interface {
	done(m module.Version, r Result) line
	note(text string) line
	closing(s Summary) line
}

// A line is something to show, with no newline at its end.
type line struct {
	text   string
	result bool // whether it goes to out, for it is what was asked for
}

func formOf(mode Mode) form {
	switch mode {
	case Plain:
		return plainForm{}
	case JSON:
		return jsonForm{}
	case Quiet:
		return quietForm{}
	}
	return barsForm{}
}

// plainForm is for a pipe: a line for each module.
type plainForm struct{}

func (plainForm) done(m module.Version, r Result) line {
	if r.Err != nil {
		return failure(m, r)
	}
	origin := "cached"
	if !r.Cached {
		origin = "from " + cmp.Or(Printable(r.Source), "a source without a name")
	}
	parts := []string{name(m, r), size(max(0, r.Bytes)), origin}
	if !r.Cached {
		parts = append(parts, elapsed(r.Took))
	}
	return line{strings.Join(parts, "  "), true}
}

func (plainForm) note(text string) line  { return line{text: text} }
func (plainForm) closing(s Summary) line { return line{text: s.String()} }

// barsForm is for what stays on the terminal: the bars show the rest.
type barsForm struct{}

func (barsForm) done(m module.Version, r Result) line { return failure(m, r) }
func (barsForm) note(text string) line                { return line{text: text} }
func (barsForm) closing(s Summary) line               { return line{text: s.String()} }

// quietForm is for failures only.
type quietForm struct{}

func (quietForm) done(m module.Version, r Result) line { return failure(m, r) }
func (quietForm) note(string) line                     { return line{} }
func (quietForm) closing(Summary) line                 { return line{} }

// failure says why m could not be had. It is silent where nothing failed, and where
// the user went away, who knows.
func failure(m module.Version, r Result) line {
	if r.Err == nil || upstream.ClassOf(r.Err) == upstream.Canceled {
		return line{}
	}
	return line{text: fmt.Sprintf("%s  failed: %s", name(m, r), explain(r.Err))}
}

func name(m module.Version, r Result) string {
	return Printable(m.Path + " " + cmp.Or(r.Version, m.Version))
}
