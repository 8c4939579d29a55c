package fetch

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A plot is a drawing of the last hour: 60 units wide, one for each minute, and 100
// high, from the top. What it says is said in Description, too.
type plot struct {
	ID, Title, Description string
	Bars                   []plotBar
	Lines                  []plotLine
	Levels                 []plotTick // At is from the top
	Times                  []plotTick // At is from the left, in percent
	Marks                  []plotMark
	Legend                 []plotKey
}

type plotBar struct {
	X, Y, Height float64
	Class        string
}

type plotLine struct{ Path, Class string }

type plotTick struct {
	At     float64
	Label  string
	Anchor string
}

// A plotMark is a change of a circuit, to read the curves against.
type plotMark struct {
	At          float64 // in percent
	Class, Text string
}

type plotKey struct{ Class, Text string }

// slot returns where the minute i of n is.
func slot(i, n int) float64 { return float64(journalMinutes - n + i) }

func plotsOf(s *StatusReport) []plot {
	plots := []plot{requestPlot(s), ratioPlot(s), latencyPlot(s)}
	marks, times := plotMarks(s), plotTimes(s)
	for i := range plots {
		plots[i].Marks, plots[i].Times = marks, times
	}
	return plots
}

// requestPlot has what was answered above a line and what was not below it, so that
// the two are told apart without colours.
func requestPlot(s *StatusReport) plot {
	var up, down int64
	for _, m := range s.Minutes {
		up = max(up, m.Hits.Count+m.Fetched.Count)
		down = max(down, m.Failed+m.Other)
	}
	p := plot{
		ID: "requests", Title: "Requests per minute",
		Description: fmt.Sprintf("In the last hour %s, %s of them failed, and %s refused. The busiest minute had %s answered, and the worst %s not answered.",
			countOf(s.LastHour.Requests, "request"), number(s.LastHour.Outcomes[Failed.String()]), number(s.LastHour.Refused), number(up), number(down)),
		Legend: []plotKey{{"hit", "from the cache"}, {"fetched", "from a source"}, {"failed", "not answered (below the line)"}},
	}
	if up > 0 || down == 0 {
		up = niceAbove(up)
	}
	unit := 100 / float64(max(1, up+down))
	zero := float64(up) * unit
	for i, m := range s.Minutes {
		y := zero
		stack := func(n int64, class string) {
			h := float64(n) * unit
			if n > 0 {
				y -= h
				p.Bars = append(p.Bars, plotBar{slot(i, len(s.Minutes)) + 0.12, y, h, class})
			}
		}
		stack(m.Hits.Count, "hit")
		stack(m.Fetched.Count, "fetched")
		if n := m.Failed + m.Other; n > 0 {
			p.Bars = append(p.Bars, plotBar{slot(i, len(s.Minutes)) + 0.12, zero, float64(n) * unit, "failed"})
		}
	}
	const apart = 12 // that labels do not meet
	p.Levels = []plotTick{{At: zero, Label: "0"}}
	if zero > apart {
		p.Levels = append(p.Levels, plotTick{At: 0, Label: number(up)})
	}
	if zero > 2*apart {
		p.Levels = append(p.Levels, plotTick{At: zero / 2, Label: number(up / 2)})
	}
	if 100-zero > apart {
		p.Levels = append(p.Levels, plotTick{At: 100, Label: number(down)})
	}
	return p
}

// niceAbove returns an even number of one digit and zeros that is not below n.
func niceAbove(n int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, digit := range []int64{2, 4, 6, 8, 10} {
			if digit*step >= n {
				return digit * step
			}
		}
	}
}

func ratioDescription(h StatusHour) string {
	if h.Modules == 0 {
		return "In the last hour there were no answers about modules."
	}
	return "In the last hour " + percent(h.HitRatio) + " of the answers about modules came from what was at hand."
}

func ratioPlot(s *StatusReport) plot {
	p := plot{
		ID: "ratio", Title: "Hit ratio of modules",
		Description: ratioDescription(s.LastHour),
		Levels:      []plotTick{{At: 0, Label: "100 %"}, {At: 50, Label: "50"}, {At: 100, Label: "0"}},
		Legend:      []plotKey{{"hit", "answers from the cache"}},
	}
	line := curve(s, func(m StatusMinute) (float64, bool) {
		return 100 * (1 - m.HitRatio), m.Modules > 0
	})
	p.Lines = []plotLine{{line, "hit"}}
	return p
}

func latencyPlot(s *StatusReport) plot {
	p := plot{
		ID: "latency", Title: "Time to answer",
		Description: fmt.Sprintf("In the last hour half of the hits took at most %s, and 95 of 100 at most %s. Of what was fetched from a source, half took at most %s, and 95 of 100 at most %s.",
			took(s.LastHour.Hits.P50), took(s.LastHour.Hits.P95), took(s.LastHour.Fetched.P50), took(s.LastHour.Fetched.P95)),
		Legend: []plotKey{
			{"fetched", "fetched, half within"}, {"fetched rare", "95 % within"},
			{"hit", "hits, half within"}, {"hit rare", "95 % within"},
		},
	}
	low, high := decades(s)
	for d := low; d <= high; d++ {
		p.Levels = append(p.Levels, plotTick{At: 100 * float64(high-d) / float64(high-low), Label: decade(d)})
	}
	add := func(class string, of func(StatusMinute) (float64, int64)) {
		p.Lines = append(p.Lines, plotLine{curve(s, func(m StatusMinute) (float64, bool) {
			seconds, n := of(m)
			if n == 0 {
				return 0, false
			}
			return 100 * (float64(high) - math.Log10(seconds)) / float64(high-low), true
		}), class})
	}
	add("hit rare", func(m StatusMinute) (float64, int64) { return m.Hits.P95, m.Hits.Count })
	add("hit", func(m StatusMinute) (float64, int64) { return m.Hits.P50, m.Hits.Count })
	add("fetched rare", func(m StatusMinute) (float64, int64) { return m.Fetched.P95, m.Fetched.Count })
	add("fetched", func(m StatusMinute) (float64, int64) { return m.Fetched.P50, m.Fetched.Count })
	return p
}

// decade returns a power of ten of seconds, from 100 ns.
func decade(power int) string {
	units := []string{"100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s", "1000 s"}
	return units[min(max(power+7, 0), len(units)-1)]
}

// decades returns between which powers of ten all latencies are.
func decades(s *StatusReport) (low, high int) {
	least, most := math.Inf(1), 0.0
	for _, m := range s.Minutes {
		for _, l := range []StatusLatency{m.Hits, m.Fetched} {
			if l.Count > 0 {
				least, most = min(least, l.P50), max(most, l.P95)
			}
		}
	}
	if most == 0 {
		return -3, 0
	}
	low, high = int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most)))
	return min(low, high-2), high
}

// curve returns the path through the minutes of which there is anything to say. A
// minute by itself is a short dash.
func curve(s *StatusReport, at func(StatusMinute) (y float64, ok bool)) string {
	var b strings.Builder
	run := 0 // minutes since the last one without
	for i, m := range s.Minutes {
		y, ok := at(m)
		if !ok {
			run = 0
			continue
		}
		x := slot(i, len(s.Minutes)) + 0.5
		if run++; run == 1 {
			fmt.Fprintf(&b, "M%.1f %.2fh.8", x-0.4, y)
		} else {
			fmt.Fprintf(&b, "L%.1f %.2f", x, y)
		}
	}
	return b.String()
}

// plotTimes returns the full ten minutes, and now.
func plotTimes(s *StatusReport) []plotTick {
	var ticks []plotTick
	n := len(s.Minutes)
	for i := range journalMinutes {
		t := s.Time.Add(time.Duration(i-journalMinutes+1) * time.Minute)
		if t.Minute()%10 != 0 || i < 3 || i > journalMinutes-12 {
			continue
		}
		x := slot(i-journalMinutes+n, n)
		ticks = append(ticks, plotTick{At: 100 * x / journalMinutes, Label: t.Format("15:04"), Anchor: "middle"})
	}
	return append(ticks, plotTick{At: 100, Label: "now", Anchor: "end"})
}

// plotMarks shows when sources went and came back.
func plotMarks(s *StatusReport) []plotMark {
	var marks []plotMark
	for _, c := range s.Changes {
		if c.Part != "" {
			continue // of a host that whoever asked for a module chose
		}
		class := "back"
		if c.State == upstream.Out.String() {
			class = "out"
		}
		// The present minute ends at the right edge, however much of it is over.
		end := s.Minutes[len(s.Minutes)-1].Begin.Add(time.Minute)
		at := 100 * (1 - end.Sub(c.At).Minutes()/journalMinutes)
		if at < 0 {
			break
		}
		marks = append(marks, plotMark{min(at, 100), class, clock(c.At, s.Time) + " " + c.Source + " " + c.State})
	}
	return marks
}
