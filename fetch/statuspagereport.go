package fetch

import "time"

// A StatusReport is what the page of a [StatusHandler] says, and the shape of its
// JSON. Names are stable: later versions add some. Times are RFC 3339, durations are
// numbers of seconds in fields that end in "_seconds", ratios go from 0 to 1, sizes are
// in bytes. What is said of the last hour is of the time since the handler was made, if
// that is less. Texts that quote others are bounded, and no credential is in any.
type StatusReport struct {
	Time    time.Time     `json:"time"`    // when this was so
	Since   time.Time     `json:"since"`   // when the Client was made
	Watched time.Time     `json:"watched"` // when the record of the last hour begins
	Weather StatusWeather `json:"weather"` // the whole in words

	LastHour      StatusHour           `json:"last_hour"`           // the sum of Minutes
	Total         map[string]int64     `json:"total"`               // requests by [Outcome] since Since
	InFlight      int64                `json:"in_flight"`           // calls of Fetch under way
	Flights       int                  `json:"flights"`             // downloads and look-ups under way
	Unverified    int                  `json:"unverified"`          // files handed out that wait to be checked
	Sources       []StatusSource       `json:"sources"`             // in the order of the configuration, the checksum database's own server last
	Database      *StatusDatabase      `json:"database,omitempty"`  // none where none is verified
	Cache         []StatusLayer        `json:"cache"`               // the layer asked first is the first
	FileSystems   []StatusFileSystem   `json:"file_systems"`        // of layers on a disk that has answered in time
	Minutes       []StatusMinute       `json:"minutes"`             // the oldest first; the last one is not over
	Modules       []StatusModule       `json:"modules"`             // asked for most in the last hour, the first most
	Failures      []StatusFailure      `json:"failures"`            // of the last hour, the latest first
	Changes       []StatusChange       `json:"changes"`             // of circuits in the last hour, the latest first
	Troubles      []StatusTrouble      `json:"troubles"`            // of the cache in the last hour
	Configuration []ConfigurationGroup `json:"configuration"`       // without its secrets
	Diagnosis     *Diagnosis           `json:"diagnosis,omitempty"` // the latest, if it is not old, with the names of [Diagnosis]
}

// StatusWeather says in plain words how everything is.
type StatusWeather struct {
	// State is "well", "strained" (callers are served, something is wrong) or "ill"
	// (callers are not served, or bytes are not what they must be).
	State   string   `json:"state"`
	Text    string   `json:"text"`    // a sentence: the gravest of what there is to say, that of the sources if none is graver
	Meaning string   `json:"meaning"` // what that means for callers; empty if that goes without saying
	Notices []string `json:"notices"` // what else somebody should know, a sentence each; the sources' first where Text is of something else
}

// StatusHour sums up the last hour.
type StatusHour struct {
	Requests int64            `json:"requests"`  // without those whose callers had gone
	Outcomes map[string]int64 `json:"outcomes"`  // how many ended how, by [Outcome]
	Answered int64            `json:"answered"`  // if only by "not found"
	Refused  int64            `json:"refused"`   // denied, or offline and not at hand
	Success  float64          `json:"success"`   // the part of the requests that were not refused that was answered; 1 without any
	Modules  int64            `json:"modules"`   // answers about modules: not what checksum databases are asked, mostly by the Client itself
	HitRatio float64          `json:"hit_ratio"` // the part of those that was at hand; 1 without any
	Hits     StatusLatency    `json:"hits"`      // answered from what was at hand
	Fetched  StatusLatency    `json:"fetched"`   // answered by a source
}

// StatusLatency is how long answers took until they were ready to be read, each
// figure at most a tenth off; 0 without any.
type StatusLatency struct {
	Count int64   `json:"count"`       // answers
	P50   float64 `json:"p50_seconds"` // half of them took no longer
	P95   float64 `json:"p95_seconds"` // 95 of a hundred took no longer
}

// StatusMinute is one minute of the last hour.
type StatusMinute struct {
	Begin    time.Time     `json:"begin"`     // when it began
	Requests int64         `json:"requests"`  // without those whose callers had gone
	Hits     StatusLatency `json:"hits"`      // answered from what was at hand
	Fetched  StatusLatency `json:"fetched"`   // answered by a source
	Failed   int64         `json:"failed"`    // could not be had
	Other    int64         `json:"other"`     // denied, or offline and not at hand
	Modules  int64         `json:"modules"`   // as the hour's
	HitRatio float64       `json:"hit_ratio"` // as the hour's
}

// StatusSource is one source.
type StatusSource struct {
	Source string `json:"source"` // its name, without credentials

	// State is the worst of the lanes' circuits: "out" or "on trial". If they are
	// closed, it is "failing" (calls for several modules failed in the last five minutes,
	// more than were answered, and the latest too), "refusing" (in that time it answered
	// all calls, for several modules, by a status such as 401), "failed when last asked"
	// (and it has not answered in the last five minutes), "not asked" in the last hour
	// and before, or "working". It is "no source" where there is nothing to ask: "off",
	// and "direct" without the commands for it. One that is many servers is never out or
	// failing as a whole: see Parts.
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"` // when its circuit opened, if it has not closed since
	Database bool      `json:"database"`       // it is the checksum database's own server
	Routed   bool      `json:"routed"`         // it is asked for some modules alone, and no other is asked for them

	Answered int64   `json:"answered"` // calls in the last hour that were answered
	Refused  int64   `json:"refused"`  // and that it refused, by a status such as 403
	Failed   int64   `json:"failed"`   // and that failed
	Success  float64 `json:"success"`  // the part of those answered or failed that was answered; 1 without any

	InFlight int          `json:"in_flight"`       // calls under way, those that wait included
	Lanes    []StatusLane `json:"lanes"`           // one of each kind
	Parts    []StatusPart `json:"parts,omitempty"` // its servers that are out or on trial, if it is many

	LastFailure *StatusAttempt       `json:"last_failure,omitempty"` // the latest call that failed, other than by "not found"; none before the first
	ProbeError  string               `json:"probe_error,omitempty"`  // what failed when it was probed last
	Missing     int                  `json:"missing_versions"`       // that others list; -1: not known
	Minutes     []StatusSourceMinute `json:"minutes"`                // as the report's

	cause  string    // of the last failure, in a few words
	asked  time.Time // last, if it has not answered since
	partly bool      // something succeeded lately, in another lane
	parted bool      // it is many servers

	shutOff bool // nobody gets to it, because of one before it in GOPROXY
}

// StatusSourceMinute is one minute of a source.
type StatusSourceMinute struct {
	Answered int64 `json:"answered"` // calls, if only by "not found"
	Failed   int64 `json:"failed"`   // calls that failed
	Refused  int64 `json:"refused"`  // calls that it refused, by a status such as 403
}

// StatusLane is what is known of a source in one lane ([upstream.Lane]).
type StatusLane struct {
	Lane     string  `json:"lane"`                   // "small files", "zips" or "checksum database"
	State    string  `json:"state"`                  // of the circuit: "working", "on trial" or "out"
	Answers  int64   `json:"answers"`                // and the next two: since it was configured
	NotFound int64   `json:"not_found"`              // it said that it does not exist
	Failures int64   `json:"failures"`               // neither
	P50      float64 `json:"first_byte_p50_seconds"` // over the latest 64 answers
	P95      float64 `json:"first_byte_p95_seconds"` // of the same
	InFlight int     `json:"in_flight"`              // calls under way
	Waiting  int     `json:"waiting"`                // of those
	Limit    int     `json:"limit"`                  // of calls at once; negative: none; 0: it is many servers, each with its own
	Rate     float64 `json:"bytes_per_second"`       // at which bodies of 64 KiB and more arrive; 0: not known
}

// StatusPart is a server of a source that is many.
type StatusPart struct {
	Source   string `json:"source"`   // the server's name
	State    string `json:"state"`    // the worst of its circuits: "on trial" or "out"
	Answered bool   `json:"answered"` // in the last hour: it is not one that a stranger made up
}

// StatusAttempt is a call to a source that failed.
type StatusAttempt struct {
	At      time.Time `json:"at"`           // when it had failed
	Request string    `json:"request"`      // its key
	Reason  string    `json:"reason"`       // one line
	Took    float64   `json:"took_seconds"` // until it had failed
}

// StatusDatabase is the checksum database.
type StatusDatabase struct {
	Name           string    `json:"name"`               // the database's name
	TreeSize       int64     `json:"tree_size"`          // records that the latest known tree head covers
	Confirmed      time.Time `json:"confirmed,omitzero"` // when a source last delivered a head that is no older
	Answered       time.Time `json:"answered,omitzero"`  // when a source last answered anything
	Failed         time.Time `json:"failed,omitzero"`    // when a question last failed
	Error          string    `json:"error,omitempty"`    // why, in one line
	SecurityEvents int64     `json:"security_events"`    // more than 0 are to be looked into
}

// StatusLayer is one layer of the store, as [cache.Usage].
type StatusLayer struct {
	Layer      string `json:"layer"`         // "memory", "disk" or "queue"
	Dir        string `json:"dir,omitempty"` // of a disk store
	Known      bool   `json:"known"`         // Entries and Bytes are counted
	Entries    int64  `json:"entries"`       // what it holds
	Bytes      int64  `json:"bytes"`         // of their content
	MaxEntries int64  `json:"max_entries"`   // bound; 0: none
	MaxBytes   int64  `json:"max_bytes"`     // bound; 0: none
	Evicted    int64  `json:"evicted"`       // entries that were removed to make room
	Damaged    int64  `json:"damaged"`       // entries that were found damaged
	ReadOnly   bool   `json:"read_only"`     // nothing is ever written here
	Gated      bool   `json:"gated"`         // it is left alone, for it fails or hangs
}

// StatusFileSystem is where a layer of the store is.
type StatusFileSystem struct {
	Dir   string `json:"dir"`   // the layer's directory
	Total int64  `json:"total"` // its size
	Free  int64  `json:"free"`  // what an ordinary user may still use of that
}

// StatusModule is a module that was asked for. Counts are of the last 50 to 60
// minutes, and may be too small where very many modules are asked for.
type StatusModule struct {
	Module   string `json:"module"`   // its path
	Requests int64  `json:"requests"` // for any file of it
	Hits     int64  `json:"hits"`     // of those, answered from what was at hand
	Failed   int64  `json:"failed"`   // and those that could not be had
}

// StatusFailure is a request that could not be answered, or only with an old
// answer; however often it happened in the same way.
type StatusFailure struct {
	ID      int64     `json:"id"`                // the same as long as it is listed
	First   time.Time `json:"first"`             // when it failed like this first
	Last    time.Time `json:"last"`              // and last
	Times   int64     `json:"times"`             // how often, from First to Last
	Others  int64     `json:"others"`            // requests that failed in this way and are not listed any more
	Request string    `json:"request"`           // its key
	Module  string    `json:"module,omitempty"`  // empty where it names none
	Version string    `json:"version,omitempty"` // or version query; empty where it names none
	Kind    string    `json:"kind"`              // of the request: an upstream.Kind in words
	Outcome string    `json:"outcome"`           // an [Outcome] in words
	Class   string    `json:"class"`             // of the error: an upstream.Class in words
	Source  string    `json:"source,omitempty"`  // who failed; empty if no source was asked
	Reason  string    `json:"reason"`            // one line: who failed and why
	Story   []string  `json:"story"`             // what was tried, a line for each attempt
}

// StatusChange is a change of a circuit.
type StatusChange struct {
	At     time.Time `json:"at"`               // when it changed
	Source string    `json:"source"`           // the source's name
	Lane   string    `json:"lane"`             // which of its circuits: a name as in StatusLane
	State  string    `json:"state"`            // "working" or "out"
	Until  time.Time `json:"until,omitzero"`   // when it is tried again, if it is out
	Trials int64     `json:"trials"`           // that have failed since it went out
	Part   string    `json:"part,omitempty"`   // the server, of a source that is many, of which only the latest change of each kind is listed
	Times  int64     `json:"times"`            // how many of that kind there were
	Reason string    `json:"reason,omitempty"` // the failure because of which it is out
}

// StatusTrouble is in what way the Client worked with less than it has.
type StatusTrouble struct {
	What  string    `json:"what"`            // a [Degraded], "cache-unreadable" or "cache-unwritable"
	Times int64     `json:"times"`           // in the last hour
	Last  time.Time `json:"last"`            // when it was so last
	Error string    `json:"error,omitempty"` // the latest
}
