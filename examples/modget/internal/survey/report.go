package survey

import (
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// A Report says how the sources fared. It marshals to JSON under the names in the
// tags, which stay; durations are in nanoseconds, times as in RFC 3339, files are named
// by the path under which a proxy has them. No credential is in it.
type Report struct {
	At     time.Time     `json:"at"`
	Took   time.Duration `json:"took_ns"`
	Sample []string      `json:"sample"` // path@version
	Rounds int           `json:"rounds"` // that came to their end

	// Partial is whether measuring ended before its end, and Ended says why.
	Partial bool   `json:"partial"`
	Ended   string `json:"ended,omitempty"`

	Sources       []Figures      `json:"sources"` // in the order in which they were named
	Disagreements []Disagreement `json:"disagreements,omitempty"`

	// VerifierFailed is why the Verifier could not be asked, in words.
	VerifierFailed string `json:"verifier_failed,omitempty"`

	// Recommended is a value for GOPROXY, in which "xxxxx" stands for credentials;
	// empty if there is nothing to recommend. Why has a sentence for each choice in it.
	Recommended string   `json:"recommended"`
	Why         []string `json:"why,omitempty"`
}

// Figures is what was measured of one source.
type Figures struct {
	Name       string `json:"name"`
	OnAnyError bool   `json:"on_any_error,omitempty"` // "|" followed it in the list
	Candidate  bool   `json:"candidate,omitempty"`    // it is not in use yet

	// Skipped is why it was not asked at all; the other fields are then zero.
	Skipped string `json:"skipped,omitempty"`

	Reachable bool `json:"reachable"`          // it answered at least once, if only "not found"
	GivenUp   bool `json:"given_up,omitempty"` // it failed so often that it was asked no more
	Calls     int  `json:"calls"`              // that it was sent
	Failures  int  `json:"failures"`           // of these; "not found" is none

	Latency    Latency       `json:"latency"`
	Throughput Throughput    `json:"throughput"`
	Coverage   Coverage      `json:"coverage"`
	Lists      []ListFigures `json:"lists,omitempty"`
	Agreement  Agreement     `json:"agreement"`

	// Errors counts the failures by class ([upstream.Class]); FirstError is the first
	// of them in one line.
	Errors     map[string]int `json:"errors,omitempty"`
	FirstError string         `json:"first_error,omitempty"`

	// Findings say in words what is wrong with a source that could not be reached or
	// was given up, and what to do.
	Findings []fetch.Finding `json:"findings,omitempty"`

	// Estimate is how long it takes to fetch the .info, go.mod and zip of the whole sample
	// one after the other, at these rates; 0 if too little is known.
	Estimate time.Duration `json:"estimate_ns"`
}

// Latency is how long small files take, .info and go.mod: from asking until all is
// here.
type Latency struct {
	First  time.Duration `json:"first_ns"` // the first answer, with the connection to make
	Median time.Duration `json:"median_ns"`
	P95    time.Duration `json:"p95_ns"`
	Count  int           `json:"count"` // of what Median and P95 are of, without the first
}

// Throughput is how fast the largest zip of the sample came that the source has: from
// asking until all is here, the median of the rounds.
type Throughput struct {
	BytesPerSecond float64 `json:"bytes_per_second"`
	Of             string  `json:"of,omitempty"`  // path@version; empty: no zip came
	Bytes          int64   `json:"bytes"`         // of it, that were read
	Cut            bool    `json:"cut,omitempty"` // it was not read to its end, because of a bound
	Count          int     `json:"count"`
}

// Coverage is which files of the sample a source has: .info, go.mod and zip of each.
type Coverage struct {
	Asked   int      `json:"asked"`
	Had     int      `json:"had"`
	Missing []string `json:"missing,omitempty"` // it says that it does not have them
	Failed  []string `json:"failed,omitempty"`  // it failed each time, so that nobody knows
}

// ListFigures is what a source says of a module's versions.
type ListFigures struct {
	Module string `json:"module"`
	Known  bool   `json:"known"` // it answered, if only "not found"
	Listed int    `json:"listed"`

	// Lacks is how many versions it does not list that another source lists, and
	// NewestLacked the newest of them.
	Lacks        int    `json:"lacks"`
	NewestLacked string `json:"newest_lacked,omitempty"`

	// Latest is its @latest, and LatestTime when that version was made; empty and zero
	// if it has none.
	Latest     string    `json:"latest,omitempty"`
	LatestTime time.Time `json:"latest_time,omitzero"`

	// Behind is whether it does not list the newest version that is listed anywhere, as
	// one that lists nothing, or its @latest is older than another's.
	Behind bool `json:"behind"`
}

// Agreement is whether go.mod files and zips are what they should be.
type Agreement struct {
	Hashed    int `json:"hashed"`    // files of which the hash is known
	Confirmed int `json:"confirmed"` // that the Verifier vouches for
	Shared    int `json:"shared"`    // that another source has with the same hash

	// Contradicted are those that are other than the Verifier says. Disputed are those
	// of which the Verifier says nothing, and that are other at another source, or
	// other each time.
	Contradicted []string `json:"contradicted,omitempty"`
	Disputed     []string `json:"disputed,omitempty"`
}

// A Disagreement is a file that is not the same everywhere, or not what it should be.
type Disagreement struct {
	File     string   `json:"file"`
	Hashes   []Hash   `json:"hashes"`             // in the order of the sources
	Expected []string `json:"expected,omitempty"` // the hashes that would do; empty: nobody says
	By       string   `json:"by,omitempty"`       // who says so
}

// A Hash is what a source's file hashes to.
type Hash struct {
	Source string `json:"source"`
	H1     string `json:"h1"`
	Wrong  bool   `json:"wrong,omitempty"` // the Verifier says so
}
