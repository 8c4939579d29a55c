package survey

import (
	"cmp"
	"slices"
)

// Recommend returns a value for GOPROXY, and a sentence for each choice in it. It is
// empty if none of the sources can be recommended.
//
// Whose hashes are wrong is never in it, nor who differs from another where nobody
// says which is right, nor who fails more than one call in ten. Of the others, those
// that have everything come fastest first, with those behind that fail now and then or
// whose lists are behind, and with "|" between them, so that each can stand in when
// another fails. One that has only part is left out beside those. If no source has
// everything, those that complete each other are joined with ",": the go command goes on
// to the next when one says that it does not have something, and stops when it fails.
//
// A source that says of everything that it does not have it may be there for modules
// of your own; it keeps its place before the others or behind them, with "," behind it,
// so that no other is asked about these while it is down. So do "direct" and "off",
// which end a list.
func Recommend(sources []Figures) (list string, why []string) {
	c := new(choice)
	for i, f := range sources {
		c.sort(i, f)
	}
	c.split()
	c.order()
	if len(c.kept) == 0 {
		return "", c.nothing()
	}
	return c.list(), c.sentences(sources)
}

// A choice is which sources to use, and in which order.
type choice struct {
	kept    []candidate // in the order in which they are to be asked
	before  []Figures   // have nothing, and were named before any that is kept
	after   []Figures   // have nothing either
	end     *Figures    // "direct" or "off"; nil: neither
	partial bool        // nobody who is kept has everything
	left    []string    // why others are left out
	nobody  []string    // files that no candidate has
}

// tolerated is the part of its calls that a source may fail.
const tolerated = 0.1

func (c *choice) sort(place int, f Figures) {
	switch reason := f.objection(); {
	case f.Skipped != "":
		c.end = &f
	case reason != "":
		c.left = append(c.left, f.Name+" is left out: "+reason)
	case f.Coverage.Had == 0 && c.kept == nil:
		c.before = append(c.before, f)
	case f.Coverage.Had == 0:
		c.after = append(c.after, f)
	default:
		c.kept = append(c.kept, candidate{Figures: f, place: place})
	}
}

// split keeps those that have everything that any of them has or, if there is none,
// those without which something would be missing.
func (c *choice) split() {
	if len(c.kept) == 0 {
		return
	}
	c.nobody = c.kept[0].absent()
	for _, k := range c.kept[1:] {
		c.nobody = intersect(c.nobody, k.absent())
	}
	for i := range c.kept {
		c.kept[i].lacks = subtract(c.kept[i].absent(), c.nobody)
	}
	c.partial = !slices.ContainsFunc(c.kept, candidate.complete)
	if c.partial {
		c.keepNeeded()
		return
	}
	for _, k := range c.kept {
		if !k.complete() {
			c.left = append(c.left, k.Name+" is left out: it lacks "+some(k.lacks, "files")+", which others have, and would say so while they are down.")
		}
	}
	c.kept = slices.DeleteFunc(c.kept, func(k candidate) bool { return !k.complete() })
}

// keepNeeded begins with the source that has most, and takes of the others each that
// adds something.
func (c *choice) keepNeeded() {
	slices.SortStableFunc(c.kept, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(len(a.lacks), len(b.lacks)), a.compareSpeed(b))
	})
	rest := c.kept[0].lacks
	needed := c.kept[:1:1]
	for _, k := range c.kept[1:] {
		still := intersect(rest, k.lacks)
		if len(still) == len(rest) {
			c.left = append(c.left, k.Name+" is left out: what it has, those before it have, too.")
			continue
		}
		rest, needed = still, append(needed, k)
	}
	c.kept = needed
}

// order puts those that have everything in the order in which they are to be asked:
// those about as fast as each other as they were named.
func (c *choice) order() {
	if c.partial {
		return
	}
	slices.SortStableFunc(c.kept, candidate.compare)
	for begin := 0; begin < len(c.kept); {
		end := begin + 1
		for end < len(c.kept) && c.kept[begin].like(c.kept[end]) {
			end++
		}
		slices.SortFunc(c.kept[begin:end], func(a, b candidate) int { return a.place - b.place })
		begin = end
	}
}

func (c *choice) list() string {
	list := ""
	for _, f := range c.before {
		list += f.Name + ","
	}
	for i, k := range c.kept {
		if i > 0 {
			list += c.separator()
		}
		list += k.Name
	}
	for _, f := range c.after {
		list += "," + f.Name
	}
	if c.end != nil {
		list += "," + c.end.Name
	}
	return list
}

func (c *choice) separator() string {
	if c.partial {
		return ","
	}
	return "|"
}
