package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// wrongContent is the finding for an answer that has not the form of what.
func (t *inquiry) wrongContent(data []byte, what string, err error) Finding {
	f := Finding{Problem: ProblemWrongContent, Err: err, Text: fmt.Sprintf("%s sends something else in place of %s", t.where(), what),
		Advice: "check the URL in GOPROXY: is there a module proxy at it?"}
	if isPage(t.last().ContentType) || bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		f.Text = fmt.Sprintf("%s sends a web page in place of %s", t.where(), what)
		f.Advice = "open it in a browser: it may be a login, of the source (give credentials for it) or of the network (hotel, VPN)"
	}
	if t.isAway() {
		f.Problem = ProblemRedirected
	}
	return f
}

// emptyList is the finding for a list without a version. It may be right for a module
// that was never released, and the default one has many; it is also what a server
// says that answers everything with nothing.
func (t *inquiry) emptyList(path string) Finding {
	f := Finding{Problem: ProblemWrongContent, Severity: SeverityWarning, Text: fmt.Sprintf("%s lists no version of %s, so that no file can be looked at", t.where(), path),
		Advice: "check the URL in GOPROXY: is there a module proxy at it?"}
	if path != breaker.DefaultProbeModule {
		f.Advice += " If this module has no releases, put one that has some into Options.Probe.Module"
	}
	return f
}

// checkFile has the source's go.mod file of its newest version compared with what
// the Verifier says.
func (t *inquiry) checkFile(ctx context.Context, path string, versions []upstream.Listed) {
	m := module.Version{Path: path, Version: newest(path, versions)}
	req, err := upstream.NewRequest(upstream.Mod, m.Path, m.Version)
	if t.madeUp || m.Version == "" || err != nil {
		return
	}
	data, err := upstream.ReadAll(ctx, t.upstream, req)
	t.look()
	if err != nil {
		t.explainFile(m, upstream.AsError(err, req, t.said.Source))
		return
	}
	switch named := modfile.ModulePath(data); {
	case named == "":
		t.find(t.wrongContent(data, "the go.mod file of "+m.String(), errors.New("it names no module")))
	case t.diagnoser.core.mustVerify(req):
		t.compare(ctx, m, data)
	case named != path:
		t.find(Finding{Problem: ProblemWrongContent, Severity: SeverityWarning,
			Text:   fmt.Sprintf("%s sends as the go.mod file of %s that of %s", t.where(), m, printable(named)),
			Advice: "nothing is compared with a checksum here, so that nobody knows which is right: set GOSUMDB"})
	}
}

func (t *inquiry) explainFile(m module.Version, e *upstream.Error) {
	if e.Class != upstream.NotFound {
		t.explain(e)
		return
	}
	t.find(Finding{Problem: ProblemWrongContent, Severity: SeverityWarning, Err: e,
		Text:   fmt.Sprintf("%s lists %s, and has no go.mod file of it", t.where(), m),
		Advice: "put another source behind it in GOPROXY, or ask who runs it"})
}

// newest returns the highest version that has files, a release if there is one.
func newest(path string, versions []upstream.Listed) string {
	best := ""
	for _, l := range versions {
		v := l.Version
		if module.Check(path, v) != nil || module.IsPseudoVersion(v) {
			continue
		}
		release, bestIs := semver.Prerelease(v) == "", best != "" && semver.Prerelease(best) == ""
		if best == "" || release && !bestIs || release == bestIs && semver.Compare(v, best) > 0 {
			best = v
		}
	}
	return best
}

// compare compares a go.mod file with its checksum. That the checksum cannot be had
// is the matter of who has it.
func (t *inquiry) compare(ctx context.Context, m module.Version, data []byte) {
	sums, err := t.diagnoser.vouching.expect(ctx, m)
	if err != nil {
		if refuses(err) {
			t.find(Finding{Problem: ProblemWrongHash, Severity: SeverityWarning, Err: err,
				Text:   fmt.Sprintf("%s has %s, for which nobody vouches", t.where(), m),
				Advice: "a public module that no checksum is known of is not handed out: exempt it with GONOSUMDB if it is private"})
		}
		return
	}
	err = t.diagnoser.vouching.verifier.Check(m, upstream.Mod, bytes.NewReader(data), int64(len(data)), sums)
	if err == nil {
		return
	}
	f := Finding{Problem: ProblemWrongHash, Err: err, Text: fmt.Sprintf("%s sends a go.mod file of %s that is not the genuine one", t.where(), m),
		Advice: "do not use this source before it is clear why: take it out of GOPROXY, and tell who runs it"}
	if mismatch, ok := errors.AsType[*verify.MismatchError](err); ok {
		f.Text += fmt.Sprintf(": its hash is %s, and %s says %v", mismatch.Got, mismatch.By, mismatch.Want)
	}
	t.find(f)
}

// vouching asks the Verifier about each version once, whoever wants to know.
type vouching struct {
	ctx      context.Context
	verifier verify.Verifier

	mu    sync.Mutex
	asked map[string]*verify.Expectation // by module@version
}

func (v *vouching) expect(ctx context.Context, m module.Version) (verify.Sums, error) {
	v.mu.Lock()
	e := v.asked[m.String()]
	if e == nil {
		e = verify.Begin(v.ctx, v.verifier, m, upstream.Mod)
		v.asked[m.String()] = e
	}
	v.mu.Unlock()
	return e.Wait(ctx)
}

// wait returns when nothing is under way any more. Nobody may ask meanwhile.
func (v *vouching) wait() {
	for _, e := range v.asked {
		_, _ = e.Wait(context.Background())
	}
}
