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
	At   time.Time
	Took time.Duration

	// Sources are in the order of the configuration; the checksum database is last.
	Sources []SourceDiagnosis

	// Findings are about no single source: this machine's clock, the settings.
	Findings []Finding `json:",omitempty"`
}

// A SourceDiagnosis says how one source fares.
type SourceDiagnosis struct {
	Source   string    // its name
	Database bool      `json:",omitempty"` // it is the checksum database
	OK       bool      // no finding is a [SeverityProblem]
	Findings []Finding `json:",omitempty"`

	// Asked is what was asked for, as module path or resource; empty where nothing
	// was, and Note then says why.
	Asked string `json:",omitempty"`
	Note  string `json:",omitempty"`

	// What follows is known of a source that is asked over HTTP.
	Address     string        `json:",omitempty"` // that was connected to: the source's, or the forward proxy's
	Proxy       string        `json:",omitempty"` // the forward proxy on the way; empty: none
	Redirected  string        `json:",omitempty"` // where the last redirect led
	Status      int           `json:",omitempty"` // of the last response
	Credentials bool          `json:",omitempty"` // some were sent
	Certificate *Certificate  `json:",omitempty"` // the source's own, also one that is refused
	Steps       Steps         `json:",omitzero"`
	Took        time.Duration // in all
}

// Steps is how long each step of the first request took; 0 for one that there was
// not, or that did not come to its end.
type Steps struct {
	DNS       time.Duration `json:",omitzero"`
	Connect   time.Duration `json:",omitzero"` // without DNS and TLS
	TLS       time.Duration `json:",omitzero"`
	FirstByte time.Duration `json:",omitzero"` // from when the request was sent
}

// A Certificate is what a TLS server shows of itself.
type Certificate struct {
	Subject, Issuer     string
	Names               []string // host names and addresses that it is for
	NotBefore, NotAfter time.Time
}

// A Finding is one thing that is wrong.
type Finding struct {
	Problem  Problem
	Severity Severity
	Text     string // one sentence: what is wrong
	Advice   string `json:",omitempty"` // what to do about it
	Err      error  // the cause; nil: Text says all. Its text holds no credential.
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
func (c *Client) Diagnose(ctx context.Context) *Diagnosis {
	now := c.core.Load()
	if c.closing.Load() {
		return &Diagnosis{At: time.Now(), Findings: []Finding{settingsFinding("the Client was closed", "make another one", errClosed)}}
	}
	d, err := newDiagnoser(now.opts, now.plan)
	if err != nil { // which New would have found
		return &Diagnosis{At: time.Now(), Findings: []Finding{settingsFinding("the options are not in order", "see what the error says", err)}}
	}
	return d.run(ctx)
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
