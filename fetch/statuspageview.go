package fetch

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

//go:embed status.html
var statusHTML string

//go:embed status.css
var statusCSS string

//go:embed status.js
var statusJS string

var statusTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"number": number, "size": size, "took": took, "percent": percent, "times": times, "count": countOf,
	"ratio":    func(n, of int64) float64 { return part(n, of) },
	"share":    func(n, of int64) float64 { return 100 * float64(n) / float64(max(1, of)) },
	"sum":      func(a, b int64) int64 { return a + b },
	"countInt": func(n int, what string) string { return countOf(int64(n), what) },
	"sixty":    func(percent float64) float64 { return percent * journalMinutes / 100 },
	"pixels":   func(percent float64) float64 { return 12 + 136*percent/100 + 4 }, // of a label's foot
	"path": func(s string) template.HTML { // that may be broken after its slashes
		return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(s), "/", "/<wbr>"))
	},
	"failureOf": func(v *statusView, f StatusFailure) failureView { return failureView{v, f} },
	"used":      func(f StatusFileSystem) int64 { return f.Total - f.Free },
}).Parse(statusHTML))

// statusPolicy lets nothing in but the page's own style and script, which talks to
// where it comes from. The icon is a data URL.
var statusPolicy = "default-src 'none'; style-src '" + hashOf(statusCSS) + "'; script-src '" + hashOf(statusJS) +
	"'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A statusView is a report with what only the page needs.
type statusView struct {
	*StatusReport
	Title    string
	CSS      template.CSS
	JS       template.JS
	Icon     template.URL
	Zone     string
	Button   bool
	Plots    []plot
	MostUsed int64 // requests for the busiest module
}

func newStatusView(s *StatusReport, o StatusOptions) *statusView {
	v := &statusView{
		StatusReport: s, Title: o.Title, CSS: template.CSS(statusCSS), JS: template.JS(statusJS),
		Icon: statusIcons[s.Weather.State], Button: o.Diagnose, Plots: plotsOf(s),
	}
	v.Zone, _ = s.Time.Zone()
	if len(s.Modules) > 0 {
		v.MostUsed = s.Modules[0].Requests
	}
	return v
}

// statusIcons tell the states apart by shape in a row of tabs.
var statusIcons = map[string]template.URL{
	weatherWell:     icon(`%3Ccircle cx='8' cy='8' r='7' fill='%2315803d'/%3E%3Cpath d='M4.5 8.5 7 11l4.5-5.5' fill='none' stroke='white' stroke-width='2'/%3E`),
	weatherStrained: icon(`%3Cpath d='M8 1 15.5 15H.5Z' fill='%23b45309'/%3E%3Cpath d='M8 6v4.2M8 11.6v2' stroke='white' stroke-width='2'/%3E`),
	weatherIll:      icon(`%3Cpath d='M5 1h6l4 4v6l-4 4H5l-4-4V5Z' fill='%23b91c1c'/%3E%3Cpath d='M5 5l6 6M11 5l-6 6' stroke='white' stroke-width='2'/%3E`),
}

func icon(shape string) template.URL {
	return template.URL("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" + shape + "%3C/svg%3E")
}

// Clock and Exact show a time of day, without and with seconds; with the date, if it
// is not today's.
func (v *statusView) Clock(t time.Time) string { return clock(t, v.Time) }

func (v *statusView) Exact(t time.Time) string {
	t = t.In(v.Time.Location())
	if t.Format(time.DateOnly) != v.Time.Format(time.DateOnly) {
		return t.Format(time.DateTime)
	}
	return t.Format(time.TimeOnly)
}

// Machine is a time as programs read it.
func (v *statusView) Machine(t time.Time) string { return t.Format(time.RFC3339) }

// Main returns the lane that says most of a source: small files, unless it was asked
// for others alone.
func (v *statusView) Main(s StatusSource) StatusLane {
	best := s.Lanes[upstream.SmallFiles]
	if best.P50 > 0 {
		return best
	}
	for _, l := range s.Lanes {
		if l.Answers > best.Answers {
			best = l
		}
	}
	return best
}

// A sourceRow is a source as the page names its state.
type sourceRow struct{ StatusSource }

// Rows are the sources.
func (v *statusView) Rows() []sourceRow {
	rows := make([]sourceRow, 0, len(v.Sources))
	for _, s := range v.Sources {
		rows = append(rows, sourceRow{s})
	}
	return rows
}

// Word is the state as the headline has it: one that is on trial is as good as out
// until it succeeds, and would change its name every few seconds.
func (r sourceRow) Word() string {
	if r.isOut() {
		return upstream.Out.String()
	}
	return r.State
}

// Class is the same for the style.
func (r sourceRow) Class() string { return strings.ReplaceAll(r.Word(), " ", "-") }

// Strip returns the bars of a source's last hour: what was answered up from the
// middle, what failed down.
func (v *statusView) Strip(s StatusSource) []plotBar {
	var bars []plotBar
	for i, m := range s.Minutes {
		x := slot(i, len(s.Minutes)) + 0.15
		if m.Answered > 0 {
			h := barHeight(m.Answered, 12)
			bars = append(bars, plotBar{x, 13 - h, h, "answered"})
		}
		if m.Failed > 0 {
			bars = append(bars, plotBar{x, 15, barHeight(m.Failed, 9), "failed"})
		}
	}
	return bars
}

// barHeight grows with the power of two, so that one call can be seen beside a
// thousand.
func barHeight(n int64, most float64) float64 {
	h := most / 3
	for ; n > 1 && h < most; n /= 2 {
		h += most / 12
	}
	return min(h, most)
}

// Unwatched is how much of the last hour is not in the record.
func (v *statusView) Unwatched() bool { return v.Time.Sub(v.Watched) < (journalMinutes-1)*time.Minute }

type failureView struct {
	View    *statusView
	Failure StatusFailure
}

// fewFailures is how many are shown at once.
const fewFailures = 7

// Latest and Earlier are the failures in two parts.
func (v *statusView) Latest() []StatusFailure { return v.Failures[:min(fewFailures, len(v.Failures))] }

func (v *statusView) Earlier() []StatusFailure { return v.Failures[min(fewFailures, len(v.Failures)):] }

// Backwards is the order of a table whose readers want the latest first.
func (v *statusView) Backwards() []StatusMinute {
	var out []StatusMinute
	for i := len(v.Minutes) - 1; i >= 0; i-- {
		if v.Minutes[i].Requests > 0 {
			out = append(out, v.Minutes[i])
		}
	}
	return out
}
