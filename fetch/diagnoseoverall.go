package fetch

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

const (
	slowConnect   = time.Second     // DNS, connection and TLS together
	slowFirstByte = 3 * time.Second // for the list of a module that everybody has
	slowerThan    = 8               // times as slow as the fastest

	// maxSkew is the difference to a server's clock that is worth a word. Answers
	// are dated to the second, and caches that do not say so may have kept them.
	maxSkew = 2 * time.Minute
)

// overall looks at all that the sources said together.
func (d *diagnoser) overall(all []*inquiry, offline bool) []Finding {
	if offline {
		return []Finding{{Problem: ProblemSettings, Severity: SeverityWarning, Text: "no source was asked, for this is offline",
			Advice: "diagnose again without Offline"}}
	}
	var found []Finding
	if !slices.ContainsFunc(all, (*inquiry).isSource) {
		found = append(found, settingsFinding("no source of modules is configured that could have any", "name a module proxy in GOPROXY, or in Options.Upstream", nil))
	}
	for _, t := range all {
		t.findExpiry()
		t.findSlow(all)
	}
	if f, ok := networkDown(all); ok {
		found = append(found, f)
	}
	return append(found, findClock(all)...)
}

// isSource reports whether modules can come from it.
func (t *inquiry) isSource() bool {
	without := slices.ContainsFunc(t.said.Findings, func(f Finding) bool { return f.Problem == ProblemCommand })
	return !t.said.Database && t.said.Source != upstream.Name(upstream.Off()) && !without
}

// networkDown says that no server could be reached at all, if there are several.
func networkDown(all []*inquiry) (Finding, bool) {
	hosts := map[string]bool{}
	for _, t := range all {
		reached := slices.ContainsFunc(t.hops, func(h hop) bool { return !h.got.IsZero() || !h.tls.IsZero() })
		for _, e := range t.exchanges {
			if e.Status != 0 || e.Proxy != "" || reached {
				return Finding{}, false
			}
			hosts[hostOf(e.URL)] = true
		}
	}
	return Finding{Problem: ProblemUnreachable, Severity: SeverityWarning, Text: "no server could be connected to",
		Advice: "it is likely this machine's network, VPN or firewall, and not the sources"}, len(hosts) > 1
}

// findSlow warns of what works, but slowly, by itself or compared with others.
func (t *inquiry) findSlow(all []*inquiry) {
	s := t.said.Steps
	reached := s.DNS + s.Connect + s.TLS
	f := Finding{Problem: ProblemSlow, Severity: SeverityWarning, Advice: "put a nearer or faster source before it in GOPROXY"}
	switch {
	case !sound(t.said.Findings) || len(t.exchanges) == 0:
		return
	case reached > slowConnect:
		f.Text = fmt.Sprintf("it takes %v to connect to %s (DNS %v, connection %v, TLS %v)", short(reached), t.host(), short(s.DNS), short(s.Connect), short(s.TLS))
	case s.FirstByte > slowFirstByte:
		f.Text = fmt.Sprintf("%s takes %v to begin its answer", t.host(), short(s.FirstByte))
	default:
		fastest, took := t, t.firstAnswer()
		for _, other := range all {
			if len(other.exchanges) > 0 && sound(other.said.Findings) && other.said.Asked == t.said.Asked && other.firstAnswer() < fastest.firstAnswer() {
				fastest = other
			}
		}
		if took < slowConnect || took < slowerThan*fastest.firstAnswer() {
			return
		}
		f.Text = fmt.Sprintf("%s takes %v to answer, and %s %v", t.said.Source, short(took), fastest.said.Source, short(fastest.firstAnswer()))
		f.Advice = fmt.Sprintf("put %s before it in GOPROXY", fastest.said.Source)
	}
	t.find(f)
}

func (t *inquiry) firstAnswer() time.Duration { return t.exchanges[0].Took }

func short(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// skew returns how much a server's clock is ahead of ours, at least.
func skew(e upstream.Exchange) time.Duration {
	end := e.Began.Add(e.Took)
	switch {
	case e.Date.IsZero():
		return 0
	case e.Date.After(end):
		return e.Date.Sub(end)
	case e.Date.Before(e.Began.Add(-time.Second)): // it is given in whole seconds
		return e.Date.Sub(e.Began)
	}
	return 0
}

// findClock compares this machine's clock with the servers'. Where they agree among
// themselves and not with us, it is ours that is wrong; where only some differ, it
// is theirs, and their finding.
func findClock(all []*inquiry) []Finding {
	byHost := map[string]time.Duration{}
	whose := map[string]*inquiry{}
	for _, t := range all {
		for _, e := range t.exchanges {
			if host := hostOf(e.URL); !e.Date.IsZero() && whose[host] == nil {
				byHost[host], whose[host] = skew(e), t
			}
		}
	}
	if len(byHost) == 0 {
		return nil
	}
	skews := slices.Sorted(maps.Values(byHost))
	if least, most := skews[0], skews[len(skews)-1]; least > maxSkew || most < -maxSkew {
		return []Finding{ourClock(least, most, len(byHost))}
	}
	for host, s := range byHost {
		if s.Abs() > maxSkew {
			whose[host].find(Finding{Problem: ProblemClock, Severity: SeverityWarning,
				Text:   fmt.Sprintf("the clock of %s is %s that of this machine and of the other servers", host, offset(s)),
				Advice: "tell who runs it; it may also be a cache that gives old answers"})
		}
	}
	return nil
}

func ourClock(least, most time.Duration, servers int) Finding {
	by := least // the smaller difference is the surer one
	if most < 0 {
		by = most
	}
	f := Finding{Problem: ProblemClock, Severity: SeverityWarning, Advice: "set this machine's clock (NTP): certificates look expired, or not yet valid, by a wrong one"}
	if servers == 1 {
		f.Text = fmt.Sprintf("this machine's clock is %s that of the one server that told the time: one of the two is wrong", offset(-by))
	} else {
		f.Text = fmt.Sprintf("this machine's clock is wrong: it is %s those of all %d servers that told the time", offset(-by), servers)
	}
	return f
}

func offset(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("%v %s", (-d).Round(time.Second), "behind")
	}
	return fmt.Sprintf("%v %s", d.Round(time.Second), "ahead of")
}
