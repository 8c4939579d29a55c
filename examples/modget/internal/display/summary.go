package display

import (
	"fmt"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Summary is what became of the modules.
type Summary struct {
	Expected int // how many were known to come
	Fetched  int // how many came from a source
	Cached   int // how many were here already
	Failed   int // how many could not be had, for whatever reason but the next
	Canceled int // how many were stopped because the user went away

	Bytes int64         // sizes of the zips of those fetched
	Took  time.Duration // from New to Close

	// Err is the first error that writing met: what was shown is not complete. A program
	// should not end as if all were well.
	Err error
}

func (s *Summary) count(r Result) {
	switch {
	case r.Err != nil && upstream.ClassOf(r.Err) == upstream.Canceled:
		s.Canceled++
	case r.Err != nil:
		s.Failed++
	case r.Cached:
		s.Cached++
	default:
		s.Fetched++
		s.Bytes += max(0, r.Bytes)
	}
}

// ended returns how many need no more time.
func (s Summary) ended() int { return s.Fetched + s.Cached + s.Failed + s.Canceled }

// String returns the summary as one line, without Err.
func (s Summary) String() string {
	had := s.Fetched + s.Cached
	of := ""
	if s.Expected > had {
		of = fmt.Sprintf(" of %d", s.Expected)
	}
	parts := []string{}
	if s.Fetched > 0 {
		parts = append(parts, fmt.Sprintf("%d fetched (%s)", s.Fetched, s.amount()))
	}
	for _, c := range []struct {
		n    int
		what string
	}{{s.Cached, "from the cache"}, {s.Failed, "failed"}, {s.Canceled, "stopped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	text := fmt.Sprintf("%d%s %s", had, of, plural("module", max(had, s.Expected)))
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	text += " in " + elapsed(s.Took)
	if s.Canceled > 0 {
		text += "; run it again to go on, what is done is kept"
	}
	return text
}

// amount says how much was fetched, and how fast where there was time to tell.
func (s Summary) amount() string {
	if s.Took < time.Second {
		return size(s.Bytes)
	}
	return size(s.Bytes) + ", " + rate(float64(s.Bytes)/s.Took.Seconds())
}
