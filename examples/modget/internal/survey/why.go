package survey

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// objection says why a source cannot be recommended; empty if nothing speaks against it.
func (f Figures) objection() string {
	switch a := f.Agreement; {
	case len(a.Contradicted) > 0:
		return "it sends other bytes than it should, in " + some(a.Contradicted, "files") + ": do not use it before its owner can say why."
	case len(a.Disputed) > 0:
		return "it differs from another source in " + some(a.Disputed, "files") + ", and nobody says which of them is right: measure with the checksum database (GOSUMDB)."
	case !f.Reachable:
		return "it could not be reached, or gave no answer that can be used."
	case f.GivenUp:
		return "it failed again and again, and was given up."
	case f.share() > tolerated:
		return fmt.Sprintf("it failed %d of %d calls.", f.Failures, f.Calls)
	case f.Coverage.Had > 0 && a.Hashed == 0:
		return "no go.mod file or zip of it came that could be compared."
	case f.Candidate && f.Coverage.Had == 0:
		return "it has nothing of the sample."
	case f.Coverage.Had == 0 && len(f.Coverage.Missing) == 0:
		return "it was asked for too little."
	}
	return ""
}

// nothing explains that there is no choice.
func (c *choice) nothing() []string {
	why := c.left
	for _, f := range c.before {
		why = append(why, f.Name+" has nothing of the sample. If it is for modules of your own, measure a public source beside it; if not, is there a module proxy at that address?")
	}
	return append(why, "None of these sources can be recommended.")
}

// sentences explains the choice.
func (c *choice) sentences(sources []Figures) []string {
	var why []string
	for _, f := range c.before {
		why = append(why, f.Name+" has nothing of the sample, and says so as a source of modules of your own would. If it is that, it belongs first, with a \",\" behind it, so that nobody else is asked about them while it is down. If not, leave it out.")
	}
	for i, k := range c.kept {
		why = append(why, c.sentence(i, k))
	}
	for _, f := range c.after {
		why = append(why, f.Name+" has nothing of the sample, and is asked last, for what no other has.")
	}
	why = append(why, c.left...)
	if len(c.nobody) > 0 {
		why = append(why, "None of those that are recommended has "+some(c.nobody, "files")+".")
	}
	return append(why, c.advice(sources)...)
}

func (c *choice) sentence(i int, k candidate) string {
	if c.partial {
		if i == 0 {
			return k.Name + " is asked first: no source has everything, and it lacks least, " + some(k.lacks, "files") + "."
		}
		return k.Name + " is behind a \",\": it is asked for what those before it say that they do not have."
	}
	qualities := []string{"has everything"}
	switch {
	case k.Agreement.Confirmed > 0:
		qualities = append(qualities, "sends what it should")
	case k.Agreement.Shared > 0:
		qualities = append(qualities, "sends the same as another source")
	}
	if k.Estimate > 0 {
		qualities = append(qualities, "takes about "+duration(k.Estimate)+" for the whole sample")
	}
	if k.Failures > 0 {
		qualities = append(qualities, fmt.Sprintf("failed %d of %d calls", k.Failures, k.Calls))
	}
	if k.behind() {
		qualities = append(qualities, "has lists that are behind")
	}
	text := join(qualities) + "."
	if i == 0 {
		return k.Name + " is asked first: it " + text
	}
	return k.Name + " is behind a \"|\", so that it is asked when those before it fail: it " + text
}

// advice says what nobody can see from the figures.
func (c *choice) advice(sources []Figures) []string {
	var why []string
	if slices.ContainsFunc(c.kept, candidate.unchecked) {
		why = append(why, "Nobody said what the files of every source here should be: measure with the checksum database (GOSUMDB) to know.")
	}
	if c.end != nil && c.end.Name == "direct" {
		why = append(why, "direct stays last, behind a \",\": what no source has comes from version control, but when sources fail the go command stops rather than ask there.")
	}
	if c.reordered(sources) {
		why = append(why, "The order is for public modules. If a source behind which there was a \",\" has modules of your own, keep it and its \",\" in front, or name them in GOPRIVATE: else their names go to the others.")
	}
	if slices.ContainsFunc(strings.FieldsFunc(c.list(), isSeparator), hasUser) {
		why = append(why, "Where it says xxxxx, write the user name and the password, or better put them into the netrc file.")
	}
	return why
}

// reordered reports whether a source that is kept comes behind one, or is now joined
// with "|" to one, that was to be asked only for what it does not have.
func (c *choice) reordered(sources []Figures) bool {
	for i, a := range c.kept {
		for _, b := range c.kept[i+1:] {
			from, to := min(a.place, b.place), max(a.place, b.place)
			strict := slices.ContainsFunc(sources[from:to], func(f Figures) bool { return !f.OnAnyError })
			if strict && (a.place > b.place || !c.partial) {
				return true
			}
		}
	}
	return false
}

func isSeparator(r rune) bool { return r == ',' || r == '|' }

func hasUser(name string) bool {
	u, err := url.Parse(name)
	return err == nil && u.User != nil
}

// some names a few of all, and says how many others there are.
func some(all []string, what string) string {
	const shown = 2
	if len(all) <= shown+1 {
		return join(all)
	}
	return fmt.Sprintf("%s and %d other %s", strings.Join(all[:shown], ", "), len(all)-shown, what)
}

func join(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// recommend adds to Recommend what the figures alone do not say.
func (r *Report) recommend() {
	r.Recommended, r.Why = Recommend(r.Sources)
	if r.VerifierFailed != "" {
		r.Why = append(r.Why, "Not everything could be compared with what it should be: "+r.VerifierFailed+".")
	}
	if r.Partial {
		r.Why = append(r.Why, "Not everything was measured: "+r.Ended+".")
	}
}
