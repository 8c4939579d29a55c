package fetch

import (
	"context"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Diagnosis says how each source fares, and what is wrong in words for whoever
// runs this. It prints plainly, and marshals to JSON with errors as text and
// durations in nanoseconds. No credential is in it.
type Diagnosis struct {
	At   time.Time     `json:"at"`      // when it began
	Took time.Duration `json:"took_ns"` // until the last source had been asked

	// Sources are in the order of the configuration; the checksum database is last.
	Sources []SourceDiagnosis `json:"sources"`

	// Findings are about no single source: this machine's clock, the settings.
	Findings []Finding `json:"findings,omitempty"`
}

// A SourceDiagnosis says how one source fares.
type SourceDiagnosis struct {
	Source   string    `json:"source"`             // its name
	Database bool      `json:"database,omitempty"` // it is the checksum database
	OK       bool      `json:"ok"`                 // no finding is a [SeverityProblem]
	Findings []Finding `json:"findings,omitempty"` // what is wrong with it, if anything

	// Asked is what was asked for, as module path or resource; empty where nothing
	// was, and Note then says why.
	Asked string `json:"asked,omitempty"`
	Note  string `json:"note,omitempty"`

	// What follows is known of a source that is asked over HTTP.
	Address     string        `json:"address,omitempty"`     // that was connected to: the source's, or the forward proxy's
	Proxy       string        `json:"proxy,omitempty"`       // the forward proxy on the way; empty: none
	Redirected  string        `json:"redirected,omitempty"`  // where the last redirect to another server led
	Status      int           `json:"status,omitempty"`      // of the last response
	Credentials bool          `json:"credentials,omitempty"` // some were sent
	Certificate *Certificate  `json:"certificate,omitempty"` // the source's own, also one that is refused
	Steps       Steps         `json:"steps,omitzero"`        // where the time of the first request went
	Took        time.Duration `json:"took_ns"`               // in all
}

// Steps is how long each step of the first request took; 0 for one that there was
// not, or that did not come to its end.
type Steps struct {
	DNS       time.Duration `json:"dns_ns,omitzero"`     // finding the address
	Connect   time.Duration `json:"connect_ns,omitzero"` // without DNS and TLS
	TLS       time.Duration `json:"tls_ns,omitzero"`
	FirstByte time.Duration `json:"first_byte_ns,omitzero"` // from when the request was sent
}

// A Certificate is what a TLS server shows of itself.
type Certificate struct {
	Subject   string    `json:"subject"`    // whom it names, as a distinguished name
	Issuer    string    `json:"issuer"`     // who signed it, in the same form
	Names     []string  `json:"names"`      // host names and addresses that it is for
	NotBefore time.Time `json:"not_before"` // when it begins to be valid
	NotAfter  time.Time `json:"not_after"`  // when it ends
}

// A Finding is one thing that is wrong.
type Finding struct {
	Problem  Problem  `json:"problem"`          // what kind of thing
	Severity Severity `json:"severity"`         // how bad it is
	Text     string   `json:"text"`             // one sentence: what is wrong
	Advice   string   `json:"advice,omitempty"` // what to do about it
	Err      error    `json:"error,omitempty"`  // the cause; nil: Text says all. Its text holds no credential.
}

// OK reports whether no finding is a [SeverityProblem].
func (d *Diagnosis) OK() bool {
	for _, s := range d.Sources {
		if !s.OK {
			return false
		}
	}
	return sound(d.Findings)
}

// maxDiagnosis bounds what is asked of one source, where the caller has no
// deadline of its own.
const maxDiagnosis = 10 * time.Second

// Diagnose asks each source that a Client with these options would have, and the
// checksum database, and says what is wrong. It opens no store and leaves nothing
// behind: when it returns, all that it began has ended. The error is one that [New]
// would return for the options; what is wrong with a source is no error.
//
// Each source gets a real request, with its own proxy, certificates and
// credentials, over a new connection, and past all circuits, retries, limits, hedges
// and caches: the diagnosis is of now. Sources are asked all at once, each for at
// most 10 s, or until ctx's deadline if it has one.
//
// No module path goes where a request for it would not: a source is asked for the list of Options.Probe.Module
// (by default a public module) if the routes lead that module to it, and then for
// one go.mod file, which is compared with what the Verifier or the checksum database
// says. A source that has only a route of its own is asked for a module made up
// below the route's pattern, which nobody else learns of, and for which "not
// found" is a good answer. One to which no route leads is not asked; nor is version
// control, which stands for many servers: of that it is said whether there are a go
// command and git. With Options.Offline or [upstream.WithOffline] nobody is asked.
// It may be called by many goroutines at once.
func Diagnose(ctx context.Context, opts *Options) (*Diagnosis, error) {
	o := opts.withDefaults()
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	defer p.close()
	d, err := newDiagnoser(o, p)
	if err != nil {
		return nil, err
	}
	defer d.closeIdle()
	return d.run(ctx), nil
}

// Diagnose is [Diagnose] for the present sources of a Client. What it asks does not
// count for the Client's circuits and statistics, and what it learns is not kept.
// Closing the Client ends it.
func (c *Client) Diagnose(ctx context.Context) *Diagnosis {
	closed := &Diagnosis{At: time.Now(), Findings: []Finding{settingsFinding("the Client was closed", "make another one", errClosed)}}
	ctx, done := c.during(ctx)
	if ctx == nil {
		return closed
	}
	defer done()
	now := c.core.Load()
	d, err := newDiagnoser(now.opts, now.plan)
	if err != nil { // which New would have found
		return &Diagnosis{At: time.Now(), Findings: []Finding{settingsFinding("the options are not in order", "see what the error says", err)}}
	}
	found := d.run(ctx)
	if c.closing.Load() {
		return closed // what was found is that it was ended
	}
	return found
}

func settingsFinding(text, advice string, err error) Finding {
	return Finding{Problem: ProblemSettings, Severity: SeverityProblem, Text: text, Advice: advice, Err: err}
}

// closeIdle closes what sources keep open that do not let their connections be
// watched.
func (d *diagnoser) closeIdle() {
	for _, s := range append(upstream.Sources(d.sources), d.itself) {
		if idle, ok := upstream.As[interface {
			upstream.Upstream
			CloseIdleConnections()
		}](s); ok {
			idle.CloseIdleConnections()
		}
	}
}
