package fetch

import (
	"context"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// askDatabase asks for the database's latest tree head where a Client would: the
// module proxies, if they speak for it, or the database itself. Where they do, that
// it cannot be reached from here is in order.
func (t *inquiry) askDatabase(ctx context.Context) {
	d := t.diagnoser
	db := d.database.database
	switch {
	case d.core.opts.closed:
		t.said.Note = "not asked: what it says is in the bundle"
		return
	case d.core.noSumDB == "*":
		t.said.Note = "not asked: GONOSUMDB exempts all modules from it"
		return
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if !t.decideWhom(ctx) {
		return
	}
	req, err := upstream.NewSumDBRequest(db.Name, "latest")
	if err != nil {
		t.find(Finding{Text: "the checksum database cannot be asked", Err: err})
		return
	}
	ctx, stop := t.lookout.on(ctx)
	defer stop()
	t.said.Asked = req.Resource()
	_, err = upstream.ReadAll(ctx, d.heads, req)
	t.look()
	if err != nil {
		t.explainDatabase(upstream.AsError(err, req, db.Name))
	}
}

// decideWhom finds out who is asked, and reports whether somebody is.
func (t *inquiry) decideWhom(ctx context.Context) bool {
	if t.diagnoser.database.database.Fixed {
		t.said.Note = "asked itself: GOSUMDB gives its URL"
		return true
	}
	supported, err := t.supports(ctx)
	switch {
	case err != nil:
		t.findNoSupport(err)
		return false
	case supported:
		t.said.Note = "asked through a module proxy, which speaks for it"
	default:
		t.said.Note = "asked itself: no module proxy speaks for it"
	}
	return true
}

// supports asks the module proxies whether they speak for the database.
func (t *inquiry) supports(ctx context.Context) (bool, error) {
	ctx, stop := upstream.WithExchanges(ctx, func(upstream.Exchange) {})
	defer stop()
	return t.diagnoser.database.supports(ctx)
}

func (t *inquiry) findNoSupport(err error) {
	e := upstream.AsError(err, upstream.Request{}, "")
	t.find(Finding{Problem: ProblemOther, Err: e,
		Text:   fmt.Sprintf("whether a module proxy speaks for the checksum database %s could not be found out, so that it is not asked: %s", t.said.Source, e.Reason()),
		Advice: "see to that source first; with the database's own URL in GOSUMDB (\"NAME URL\") no module proxy is asked about it"})
}

func (t *inquiry) explainDatabase(e *upstream.Error) {
	whom := t.where()
	if e.Source != "" && e.Source != t.said.Source {
		whom = e.Source
	}
	switch {
	case e.Class == upstream.Untrusted:
		t.find(Finding{Problem: ProblemWrongHash, Err: e,
			Text:   fmt.Sprintf("%s sends as the tree head of the checksum database %s what its key does not vouch for", whom, t.said.Source),
			Advice: "check the key in GOSUMDB; if that is right, the answer is forged: tell who runs the server"})
	case e.Class == upstream.NotFound:
		t.find(Finding{Problem: ProblemWrongContent, Err: e, Text: fmt.Sprintf("%s has no tree head of the checksum database %s", whom, t.said.Source),
			Advice: "check the URL in GOSUMDB: is there a checksum database at it?"})
	case e.Status == 0 && t.last().Status == 200 && e.Class == upstream.Unavailable:
		f := Finding{Problem: ProblemWrongContent, Err: e, Text: fmt.Sprintf("%s sends something else in place of the tree head of the checksum database %s", whom, t.said.Source),
			Advice: "it may be a login, of the network or of a proxy on the way; check GOSUMDB"}
		t.find(f)
	default:
		t.explain(e)
	}
	t.addWayOut()
}

// addWayOut says what depends on the database.
func (t *inquiry) addWayOut() {
	if n := len(t.said.Findings); n > 0 && !strings.Contains(t.diagnoser.core.sumDBSetting, " ") {
		f := &t.said.Findings[n-1]
		f.Advice += "; until then public modules that are not in the cache are not handed out"
	}
}
