package fetch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

const (
	epochMinutes = 10 // how finely it is known when modules were asked for
	moduleEpochs = journalMinutes / epochMinutes
	maxModules   = 512 // modules that are kept of them
	shardModules = 128 // modules a shard counts at once; when there are more, the half asked for least goes
	longestPath  = 256 // bytes of a module path; a longer one is not counted
)

// moduleCounts counts requests by escaped module path. One that is asked for rarely
// among very many is forgotten and begins anew, so that a count may be too small,
// never too large.
type moduleCounts map[string]*moduleCount

type moduleCount struct{ requests, hits, failures int64 }

// A moduleEpoch is what was counted in some minutes.
type moduleEpoch struct {
	epoch  int64 // its number since the begin of the journal; -1: none
	counts moduleCounts
}

// add counts a request for a file of a module; what checksum databases are asked
// tells nothing of that.
func (m moduleCounts) add(req upstream.Request, o Outcome) {
	if req.Kind().SumDB() {
		return
	}
	path, _, ok := strings.Cut(req.Key(), "/@")
	if !ok || len(path) > longestPath {
		return
	}
	n := m[path]
	if n == nil {
		n = m.place(strings.Clone(path))
	}
	n.requests++
	switch {
	case o.IsHit():
		n.hits++
	case o == Failed:
		n.failures++
	}
}

// place makes room if need be: seldom, so that it costs little each time.
func (m moduleCounts) place(path string) *moduleCount {
	if len(m) >= shardModules {
		for _, least := range m.busiest()[shardModules/2:] {
			delete(m, least)
		}
	}
	n := new(moduleCount)
	m[path] = n
	return n
}

// busiest returns the paths, the one that was asked for most first.
func (m moduleCounts) busiest() []string {
	paths := make([]string, 0, len(m))
	for path := range m {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b].requests, m[a].requests), cmp.Compare(a, b))
	})
	return paths
}

// sum adds other's counts, all of them.
func (m moduleCounts) sum(other moduleCounts) {
	for path, n := range other {
		into := m[path]
		if into == nil {
			into = new(moduleCount)
			m[path] = into
		}
		into.requests += n.requests
		into.hits += n.hits
		into.failures += n.failures
	}
}

// join adds counts, and forgets the least if those are too many.
func (e *moduleEpoch) join(counts moduleCounts) {
	e.counts.sum(counts)
	if len(e.counts) <= maxModules {
		return
	}
	for _, least := range e.counts.busiest()[maxModules:] {
		delete(e.counts, least)
	}
}

// epoch returns the place of some minutes; nil if they are too long ago. j.mu is held.
func (j *journal) epoch(n int64) *moduleEpoch {
	e := &j.modules[n%moduleEpochs]
	if e.epoch < n {
		*e = moduleEpoch{epoch: n, counts: moduleCounts{}}
	}
	if e.epoch > n {
		return nil
	}
	return e
}

// busiest returns the modules that were asked for most in the last 50 to 60 minutes.
// The shards must have been flushed.
func (j *journal) busiest(now time.Time, most int) []StatusModule {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := moduleCounts{}
	present := j.minuteOf(now) / epochMinutes
	for _, e := range j.modules {
		if e.epoch > present-moduleEpochs {
			all.sum(e.counts)
		}
	}
	var out []StatusModule
	paths := all.busiest()
	for _, escaped := range paths[:min(most, len(paths))] {
		path, err := module.UnescapePath(escaped)
		if err != nil {
			path = escaped
		}
		n := all[escaped]
		out = append(out, StatusModule{path, n.requests, n.hits, n.failures})
	}
	return out
}
