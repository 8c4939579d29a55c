package auth

import (
	"errors"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"
)

// askAgain is how long an outcome holds.
const askAgain = 10 * time.Second

// maxVain is how many times within [askAgain] a host is asked about in vain
// after one status, where it is known to want credentials. Anybody can have a
// command run by asking for a module that does not exist, so without a bound
// the honest would wait behind them; but the go command tries all prefixes of a
// package's path as modules, of which one exists.
const maxVain = 4

// maxAsked bounds how many outcomes, and how many hosts, are remembered.
const maxAsked = 4096

// An outcome is what came of asking about a URL.
type outcome struct {
	at   time.Time
	errs []error
}

func (o outcome) holds() bool { return !o.at.IsZero() && time.Since(o.at) < askAgain }

// told returns the error for one who was refused so. After a 404 a program that
// fails has no credentials: many fail for every host that is not theirs, and
// most modules that are not found do not exist. One that could not be run to
// its end may know of some.
func (o outcome) told(refusal *http.Response) error {
	if refusal.StatusCode != http.StatusNotFound {
		return errors.Join(o.errs...)
	}
	return o.broken()
}

// broken returns the errors that are not a program's own exit status.
func (o outcome) broken() error {
	var errs []error
	for _, err := range o.errs {
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || !exit.Exited() {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// A host is what is remembered of asking about one server's URLs.
type host struct {
	running *run          // nil: none
	refused bool          // it has said that it wants to know who asks
	vain    map[int]*vain // by status, for one who floods us with 404s must not keep a 401 from being mended
}

// vain counts runs that gave nothing to try, up to one that did or a pause.
type vain struct {
	runs int
	last outcome
}

func newHost() *host { return &host{vain: make(map[int]*vain)} }

// quiet returns the outcome that stands for all of the host's URLs, if it has
// been asked about often enough after such a status.
func (h *host) quiet(status int, known bool) (outcome, bool) {
	v := h.vain[status]
	if v == nil || !v.last.holds() {
		return outcome{}, false
	}
	enough := 1
	if known || h.refused {
		enough = maxVain
	}
	return v.last, v.runs >= enough || v.last.broken() != nil
}

func (h *host) count(status int, gave bool, o outcome) {
	v := h.vain[status]
	switch {
	case gave:
		delete(h.vain, status)
	case v == nil || !v.last.holds():
		h.vain[status] = &vain{runs: 1, last: o}
	default:
		v.runs, v.last = v.runs+1, o
	}
}

// subject is what all files of one module, and one source, have in common.
func subject(u *url.URL) string {
	path, _, _ := strings.Cut(u.EscapedPath(), "/@")
	return strings.ToLower(u.Host) + path
}
