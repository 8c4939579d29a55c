package fetch

import (
	"fmt"
	"slices"
	"strings"
)

const (
	weatherWell     = "well"
	weatherStrained = "strained"
	weatherIll      = "ill"
)

// A gravity is how much a remark matters. The gravest comes first on the page.
type gravity int

const (
	calm      gravity = iota // it is as it should be, or of the past
	straining                // callers are served, something is wrong
	harming                  // callers are not served
	forging                  // somebody may be tampering with what vouches for all bytes
)

func (g gravity) state() string {
	switch g {
	case calm:
		return weatherWell
	case straining:
		return weatherStrained
	}
	return weatherIll
}

// A remark is a sentence of the page.
type remark struct {
	grave gravity
	text  string
}

// An outlook is what there is to say, before it is known what of it comes first.
type outlook struct {
	head    remark // about the sources
	meaning string // of that
	unasked bool   // no source was asked: nothing is known of any
	notices []remark
}

// worsen makes the sentence about the sources at least so grave.
func (w *outlook) worsen(g gravity) { w.head.grave = max(w.head.grave, g) }

// join has the sentence about the sources go on.
func (w *outlook) join(g gravity, more string) {
	w.worsen(g)
	w.head.text = strings.TrimSuffix(w.head.text, ".") + more
}

func (w *outlook) notice(g gravity, format string, args ...any) {
	w.notices = append(w.notices, remark{g, fmt.Sprintf(format, args...)})
}

// weather puts the gravest first. Only where there is nothing else to say is nothing
// known to be wrong.
func (w *outlook) weather() StatusWeather {
	if w.unasked && w.head.grave == calm && len(w.notices) == 0 {
		w.head.text = "Nothing is known to be wrong. " + w.head.text
	}
	w.lead()
	told := StatusWeather{State: w.head.grave.state(), Text: w.head.text, Meaning: w.meaning, Notices: []string{}}
	for _, n := range w.notices {
		told.Notices = append(told.Notices, n.text)
	}
	return told
}

// lead makes the headline of a notice that is graver than how the sources are, which
// becomes the first notice: of several that are equally grave, the first said.
func (w *outlook) lead() {
	gravest := 0
	for i, n := range w.notices {
		if n.grave > w.notices[gravest].grave {
			gravest = i
		}
	}
	if len(w.notices) == 0 || w.notices[gravest].grave <= w.head.grave {
		return
	}
	of := w.head
	of.text = strings.TrimSpace(of.text + " " + w.meaning)
	w.head, w.meaning = w.notices[gravest], ""
	w.notices = slices.Insert(slices.Delete(w.notices, gravest, gravest+1), 0, of)
}
