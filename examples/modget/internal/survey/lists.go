package survey

import (
	"io"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A listing is what a source says of the versions of a module.
type listing struct {
	versions map[string]bool
	latest   upstream.Metadata
}

// takeList writes down a list or an @latest, whose form is known to be right.
func (s *subject) takeList(req upstream.Request, a *answer) error {
	content := a.reader()
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return &localError{err}
	}
	l := s.lists[req.Module()]
	if req.Kind() == upstream.Latest {
		l.latest, err = upstream.ParseMetadata(req, data)
	} else {
		l.versions, err = versionsIn(data)
	}
	s.lists[req.Module()] = l
	return err
}

func versionsIn(data []byte) (map[string]bool, error) {
	listed, err := upstream.ParseList(data)
	versions := map[string]bool{}
	for _, l := range listed {
		versions[l.Version] = true
	}
	return versions, err
}

// lacksList writes down that a source says that it has no list.
func (s *subject) lacksList(req upstream.Request) {
	if l := s.lists[req.Module()]; req.Kind() == upstream.List {
		l.versions = map[string]bool{}
		s.lists[req.Module()] = l
	}
}

// A consensus is what all sources together say of a module.
type consensus struct {
	module   string
	versions map[string]bool
	newest   string // of the versions
	latest   string // the newest @latest
}

func (s *surveyor) consensus() []consensus {
	var all []consensus
	seen := map[string]bool{}
	for _, m := range s.opts.Sample {
		if !seen[m.Path] {
			seen[m.Path] = true
			all = append(all, s.consensusOn(m))
		}
	}
	return all
}

func (s *surveyor) consensusOn(m module.Version) consensus {
	c := consensus{module: m.Path, versions: map[string]bool{}}
	for _, sub := range s.subjects {
		l := sub.lists[m.Path]
		for v := range l.versions {
			c.versions[v] = true
			c.newest = newer(c.newest, v)
		}
		c.latest = newer(c.latest, l.latest.Version)
	}
	return c
}

// newer returns the newer of two versions; "" is older than any.
func newer(a, b string) string {
	if semver.Compare(b, a) > 0 || a == "" {
		return b
	}
	return a
}

// figuresOf compares what a source lists with what all do.
func (c consensus) figuresOf(l listing) ListFigures {
	f := ListFigures{Module: c.module, Known: l.versions != nil, Listed: len(l.versions)}
	f.Latest, f.LatestTime = l.latest.Version, l.latest.Time
	f.Behind = f.Latest != "" && semver.Compare(f.Latest, c.latest) < 0
	if !f.Known {
		return f
	}
	for v := range c.versions {
		if !l.versions[v] {
			f.Lacks++
			f.NewestLacked = newer(f.NewestLacked, v)
		}
	}
	f.Behind = f.Behind || c.newest != "" && !l.versions[c.newest]
	return f
}
