package survey

import (
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A subject is a source, and what is known of it so far.
type subject struct {
	source Source
	said   Figures // what is counted as it comes

	streak    int // failures since the last answer
	slow      bool
	latencies []time.Duration
	zips      map[module.Version][]transfer
	files     map[upstream.Request]state
	lists     map[string]listing // by module path
}

// A transfer is a zip that came, or a part of it.
type transfer struct {
	bytes int64
	took  time.Duration
	cut   bool
}

// A state is what is known of a file at a source. A later answer takes the place of
// an earlier one that says less.
type state uint8

const (
	failing state = iota + 1
	missing
	had
)

func newSubject(source Source) *subject {
	s := &subject{
		source: source,
		said:   Figures{Name: source.Name, OnAnyError: source.OnAnyError, Candidate: source.Candidate, Errors: map[string]int{}},
		zips:   map[module.Version][]transfer{},
		files:  map[upstream.Request]state{},
		lists:  map[string]listing{},
	}
	if source.ends() {
		s.said.Skipped = "it is no server: the word ends the list"
	}
	return s
}

// wanted reports whether it is to be asked for req.
func (s *subject) wanted(req upstream.Request) bool {
	return s.said.Skipped == "" && !s.said.GivenUp && !(s.slow && req.Kind() == upstream.Zip)
}

// maxStreak is how many failures in a row are enough to give a source up. One that
// hangs before it ever answered is given up at once: the go command, which waits
// without a bound, would hang as well.
const maxStreak = 3

func (s *subject) failed(req upstream.Request, err error) {
	e := upstream.AsError(err, req, s.source.Name)
	s.said.Calls++
	if e.Class == upstream.NotFound {
		s.answered(req, missing)
		s.lacksList(req)
		return
	}
	s.settle(req, failing)
	s.said.Failures++
	s.said.Errors[e.Class.String()]++
	if s.said.FirstError == "" {
		s.said.FirstError = strings.Join(strings.Fields(e.Error()), " ")
	}
	s.streak++
	if s.streak >= maxStreak || e.Class == upstream.Timeout && !s.said.Reachable {
		s.said.GivenUp = true
	}
}

func (s *subject) answered(req upstream.Request, what state) {
	s.settle(req, what)
	s.said.Reachable, s.streak = true, 0
}

func (s *subject) settle(req upstream.Request, what state) {
	switch req.Kind() {
	case upstream.Info, upstream.Mod, upstream.Zip:
		s.files[req] = max(s.files[req], what)
	}
}

// succeeded writes down how long an answer took. The first one of all, which includes
// making the connection, is kept apart.
func (s *subject) succeeded(req upstream.Request, a *answer) {
	s.said.Calls++
	first := !s.said.Reachable
	s.answered(req, had)
	switch kind := req.Kind(); {
	case kind == upstream.Zip:
		s.slow = s.slow || a.slow
		m := module.Version{Path: req.Module(), Version: req.Version()}
		s.zips[m] = append(s.zips[m], transfer{a.size, a.took, a.spool == nil})
	case first:
		s.said.Latency.First = a.took
	case kind == upstream.Info || kind == upstream.Mod:
		s.latencies = append(s.latencies, a.took)
	}
}

// largest returns the request for the largest zip that came; false if none did.
func (s *subject) largest(sample []module.Version) (upstream.Request, bool) {
	m, all := s.largestZip(sample)
	if len(all) == 0 {
		return upstream.Request{}, false
	}
	req, err := upstream.NewRequest(upstream.Zip, m.Path, m.Version)
	return req, err == nil
}

func (s *subject) largestZip(sample []module.Version) (of module.Version, all []transfer) {
	for _, m := range sample {
		if came := s.zips[m]; len(came) > 0 && (all == nil || came[0].bytes > all[0].bytes) {
			of, all = m, came
		}
	}
	return of, all
}
