package survey

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// notes says of each source what the table has no room for.
func (p *page) notes() {
	for _, f := range p.report.Sources {
		if lines := f.notes(p.report.At); len(lines) > 0 {
			p.b.WriteString("\n" + f.Name + "\n")
			for _, line := range lines {
				p.b.WriteString(wrap("  - ", line, p.width))
			}
		}
	}
}

func (f Figures) notes(now time.Time) []string {
	if f.Skipped != "" {
		return nil
	}
	lines := f.troubles()
	if missing := f.Coverage.Missing; len(missing) > 0 {
		lines = append(lines, "It does not have "+some(missing, "files")+".")
	}
	if failed := f.Coverage.Failed; len(failed) > 0 && f.Reachable {
		lines = append(lines, "Nobody knows whether it has "+some(failed, "files")+": it failed each time.")
	}
	if f.Throughput.Cut {
		lines = append(lines, fmt.Sprintf("Of %s only %d bytes were read, because of the bounds on size and time.", f.Throughput.Of, f.Throughput.Bytes))
	}
	var unlisted []string
	for _, l := range f.Lists {
		if l.Known && l.Listed == 0 && l.Lacks > 0 {
			unlisted = append(unlisted, l.Module)
		} else if note := l.note(now); note != "" {
			lines = append(lines, note)
		}
	}
	if len(unlisted) > 0 {
		lines = append(lines, "It lists no version of "+some(unlisted, "modules")+".")
	}
	return lines
}

// troubles says what failed: in the words of the diagnosis where there was one.
func (f Figures) troubles() []string {
	if f.Failures == 0 {
		return nil
	}
	var classes []string
	for _, class := range slices.Sorted(maps.Keys(f.Errors)) {
		classes = append(classes, fmt.Sprintf("%d %s", f.Errors[class], class))
	}
	line := fmt.Sprintf("It failed %d of %d calls (%s)", f.Failures, f.Calls, strings.Join(classes, ", "))
	if f.GivenUp {
		line += " and was asked no more"
	}
	lines := []string{line + ". The first: " + f.FirstError}
	for _, found := range f.Findings {
		text := "What is wrong: " + found.Text + "."
		if found.Advice != "" {
			text += " What to do: " + found.Advice + "."
		}
		lines = append(lines, text)
	}
	return lines
}

func (l ListFigures) note(now time.Time) string {
	if !l.Behind && l.Lacks == 0 {
		return ""
	}
	text := fmt.Sprintf("%s: it lists %d of %d known versions", l.Module, l.Listed, l.Listed+l.Lacks)
	if l.Lacks > 0 {
		text += ", and not " + l.NewestLacked
	}
	if l.Latest != "" {
		text += "; its @latest is " + l.Latest
	}
	if !l.LatestTime.IsZero() {
		text += ", " + age(now.Sub(l.LatestTime)) + " old"
	}
	return text + "."
}

// disagreements shows the hashes of each file that is not the same everywhere.
func (p *page) disagreements() {
	for _, d := range p.report.Disagreements {
		p.b.WriteString("\n" + d.File + " is not the same everywhere, or not what it should be:\n")
		for _, h := range d.Hashes {
			mark := ""
			if h.Wrong {
				mark = "  WRONG"
			}
			fmt.Fprintf(&p.b, "  %s  %s%s\n", h.H1, h.Source, mark)
		}
		for _, want := range d.Expected {
			fmt.Fprintf(&p.b, "  %s  is right, says %s\n", want, d.By)
		}
	}
}

func (p *page) verdict() {
	p.b.WriteByte('\n')
	if r := p.report.Recommended; r != "" {
		fmt.Fprintf(&p.b, "Recommended: GOPROXY=%s\n", quoted(r))
	} else {
		p.b.WriteString("Nothing to recommend.\n")
	}
	for _, line := range p.report.Why {
		p.b.WriteString(wrap("  - ", line, p.width))
	}
}

// quoted is for a shell, to which "|" is more than a character.
func quoted(list string) string {
	if !strings.ContainsAny(list, "|&;()<> $`\"'*?[#~=%!\\") {
		return list
	}
	return "'" + strings.ReplaceAll(list, "'", `'\''`) + "'"
}
