package survey

import (
	"github.com/breakwater-go/breakwater/upstream"
)

// A Source is what is measured.
type Source struct {
	// Name is shown, and written into the recommended list. It must hold no credential.
	Name string

	// Upstream is asked, and nothing is put around it. "direct" and "off"
	// ([upstream.Direct], [upstream.Off]) are not asked but keep their place at the
	// end of the list.
	Upstream upstream.Upstream

	// OnAnyError is whether "|" followed it in a GOPROXY list, where "," says that
	// those behind it are not to be asked for what it has.
	OnAnyError bool

	// Candidate is whether it is not in use yet. One that has nothing of the sample is
	// not recommended then; one in use may be there for modules of your own.
	Candidate bool
}

// FromGOPROXY returns the sources that a GOPROXY list names, opened as
// [upstream.Entry.Open] does with opts; nil means their defaults, and the name in them is not
// looked at. A source that the list names twice, be it with other credentials, comes
// once. The error says what is
// wrong with the list, without credentials.
func FromGOPROXY(list string, opts *upstream.HTTPOptions) ([]Source, error) {
	entries, err := upstream.ParseGOPROXY(list)
	if err != nil {
		return nil, err
	}
	if opts != nil {
		unnamed := *opts
		unnamed.Name = ""
		opts = &unnamed
	}
	var sources []Source
	named := map[string]bool{}
	for _, e := range entries {
		u, err := e.Open(opts)
		if err != nil {
			return nil, err
		}
		name := upstream.Name(u)
		if named[name] {
			continue
		}
		named[name] = true
		sources = append(sources, Source{Name: name, Upstream: u, OnAnyError: e.OnAnyError})
	}
	return sources, nil
}

// ends reports whether the source is one of the words that end a GOPROXY list.
func (s Source) ends() bool { return endsList(upstream.Name(s.Upstream)) }

func endsList(name string) bool {
	return name == upstream.Name(upstream.Direct()) || name == upstream.Name(upstream.Off())
}
