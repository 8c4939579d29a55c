package gocmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// A verdict is what a failure was. cause may be nil: then what the go command
// and git said is all there is to say.
type verdict struct {
	class  upstream.Class
	status int
	cause  error
}

var (
	errNoVersion  = errors.New("the repository has no such version of the module")
	errNoModule   = errors.New("no such module: its host has no go-import tag for it")
	errNoHost     = errors.New("no such module: its host does not exist")
	errHiddenHost = errors.New("the name of the module's private host is not known here, as while a VPN is off")
	errNoRepo     = errors.New("the repository does not exist")
	errDeniedRepo = errors.New("the repository wants other credentials: see GitConfig and Netrc in gocmd.Options (fetch.Options.Direct)")
	errStranger   = errors.New(onlyPrivate)
	errHiddenRepo = fmt.Errorf("%w, or is hidden from strangers: %w", errNoRepo, errStranger)
	errNoGit      = errors.New("the server does not answer like a git server: git took a page, of a login perhaps, for a repository without versions")
	errGit        = errors.New("git failed")
	errGo         = errors.New("the go command failed")
)

// A judge finds out why a go command failed. What commands print is for people
// and changes with every version; the judge goes by what our proxy saw, by exit
// codes and by HTTP status codes. Where these prove nothing the module is
// unavailable, which is never taken for its absence.
type judge struct {
	source *Source
	ws     *workspace
	ses    *session // must not be used by the command any more
	req    upstream.Request
	out    output
	about  described // what the go command says of the module
	told   bool      // it ended in order, with an error about the module

	network []gitRun // git's commands over the network; once there is a verdict
}

func (j *judge) verdict(ctx context.Context) verdict {
	if r := j.refusal(); r != nil {
		return verdict{class: upstream.Denied, cause: r}
	}
	if err := j.ws.writable(); err != nil {
		return verdict{cause: err}
	}
	if !j.told {
		return verdict{cause: j.broken()}
	}
	if status, asked := j.ses.fromProxies(); asked {
		return j.byStatus(status, errNoVersion)
	}
	if v, ok := j.unpacked(ctx); ok {
		return v
	}
	runs := readRuns(j.ws.events())
	if err := checkRuns(runs, j.out); err != nil {
		return verdict{cause: err}
	}
	j.network = slices.DeleteFunc(slices.Clone(runs), func(r gitRun) bool { return !r.uses(j.ses.protocols()) })
	seen := readTransfers(j.ws.transfers())
	n := len(j.network)
	switch {
	case n == 0:
		return j.undiscovered(ctx)
	case j.network[n-1].code != 0:
		return j.certain(j.unreached(ctx, seen.status), seen)
	case seen.status != 0 && !seen.protocol:
		return verdict{cause: errNoGit}
	}
	return verdict{class: upstream.NotFound, cause: errNoVersion}
}

// broken is the cause where the go command did not do its work.
func (j *judge) broken() error {
	if j.out.err == nil {
		return errGo
	}
	return fmt.Errorf("%w: %w", errGo, j.out.err)
}

// refusal returns what the guard, or the script in front of ssh, refused.
func (j *judge) refusal() *refusal {
	j.ses.mu.Lock()
	defer j.ses.mu.Unlock()
	if j.ses.refused != nil {
		return j.ses.refused
	}
	if host, err := os.ReadFile(j.ws.sshRefused()); err == nil {
		return refusedSSH(j.ses, strings.TrimSpace(string(host)))
	}
	return nil
}

// fromProxies returns how a module proxy that was asked answered last.
func (s *session) fromProxies() (status int, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fromProxy, len(s.modules) > 0
}

// byStatus judges an HTTP status as a module proxy's (the class of a 200 is that
// of garbage).
func (j *judge) byStatus(status int, absent error) verdict {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return verdict{upstream.NotFound, status, absent}
	case http.StatusUnauthorized, http.StatusForbidden:
		return verdict{upstream.Denied, status, j.stranger()}
	}
	return verdict{upstream.Unavailable, status, nil}
}

// stranger is the cause where credentials are wanted that the module has none of;
// nil for a private one.
func (j *judge) stranger() error {
	if j.ses.private {
		return nil
	}
	return errStranger
}

// certain makes an outage of absence that only one of several ways to a repository
// has shown: the go command tries https, http and ssh one after the other.
func (j *judge) certain(v verdict, seen transfers) verdict {
	bySSH := slices.ContainsFunc(j.network, func(r gitRun) bool { return strings.HasSuffix(r.scheme(), "ssh") })
	if (v.class == upstream.NotFound || v.class == upstream.Denied) && (seen.failed || bySSH) {
		return verdict{cause: errGit}
	}
	return v
}

// unreached judges the failure of git's last command over the network.
func (j *judge) unreached(ctx context.Context, status int) verdict {
	switch status {
	case 0:
		return j.unconnected()
	case http.StatusNotFound, http.StatusGone:
		return verdict{upstream.NotFound, status, errNoRepo}
	case http.StatusUnauthorized, http.StatusForbidden:
		return j.denied(ctx, status)
	default:
		return verdict{upstream.Unavailable, status, errGit}
	}
}

// denied asks once more like the go command (modfetch/codehost/git.go,
// loadRefs): a repository whose own page is "not found" does not exist. Servers
// answer 401 to git for what does not exist, so as not to tell.
func (j *judge) denied(ctx context.Context, status int) verdict {
	denied := verdict{upstream.Denied, status, cmp.Or(j.stranger(), errDeniedRepo)}
	i := slices.IndexFunc(j.network, func(r gitRun) bool { return r.scheme() == "https" })
	if i < 0 {
		return denied
	}
	argv := j.network[i].argv
	u, err := url.Parse(argv[len(argv)-1])
	if err != nil {
		return denied
	}
	u.User = nil
	resp, err := j.source.web.get(ctx, u, j.ses.trust)
	if err != nil {
		return denied
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		return verdict{upstream.NotFound, resp.StatusCode, j.absent()}
	}
	return denied
}

// absent is the cause where a repository is denied as if it were not there.
func (j *judge) absent() error {
	if j.ses.private {
		return errNoRepo
	}
	return errHiddenRepo
}

// unconnected judges by what the proxy met when it made connections.
func (j *judge) unconnected() verdict {
	j.ses.mu.Lock()
	defer j.ses.mu.Unlock()
	for host, err := range j.ses.failures {
		if host != moduleHost(j.req) {
			return dialVerdict(err)
		}
	}
	if err := j.ses.failures[moduleHost(j.req)]; err != nil {
		return j.hostVerdict(err)
	}
	return verdict{cause: errGit}
}

// hostVerdict judges the failure to reach the module's own host: if nobody has
// ever heard of the name, there is no module there. The name of a private host may
// be known to a name server alone that is not at hand, as while a VPN is off.
func (j *judge) hostVerdict(err error) verdict {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound && !dns.IsTemporary && !dns.IsTimeout {
		if j.source.opts.isPrivate(j.req.Module()) {
			return verdict{cause: fmt.Errorf("%w: %w", errHiddenHost, err)}
		}
		return verdict{class: upstream.NotFound, cause: errNoHost}
	}
	return dialVerdict(err)
}

func dialVerdict(err error) verdict {
	if r, ok := errors.AsType[*refusal](err); ok {
		return verdict{class: upstream.Denied, cause: r}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return verdict{class: upstream.Timeout, cause: err}
	}
	return verdict{cause: err}
}

// moduleHost is the host that a module's path begins with.
func moduleHost(req upstream.Request) string { return hostOf(req.Module()) }

// undiscovered judges a failure before git was asked to go anywhere. The
// go-import page says why; where the go command had no need of one, because the
// path alone tells where a repository would be, it is asked for now.
func (j *judge) undiscovered(ctx context.Context) verdict {
	p, ok := j.ses.page(j.req.Module())
	if system := otherSystem(j.req.Module()); !ok && system != "" {
		return verdict{class: upstream.Denied, cause: fmt.Errorf("%w, not %q", errOnlyGit, system)}
	}
	if !ok {
		p = j.ask(ctx)
	}
	switch {
	case p.err != nil:
		return j.hostVerdict(p.err)
	case p.found:
		return verdict{cause: errGo} // another page contradicts it, or git could not be started
	case p.status == http.StatusOK:
		return verdict{class: upstream.NotFound, cause: errNoModule}
	}
	return j.byStatus(p.status, errNoModule)
}

// page returns what came of asking for the page of an import path.
func (s *session) page(importPath string) (page, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pages[importPath]
	return p, ok
}

func (j *judge) ask(ctx context.Context) page {
	host, path, _ := strings.Cut(j.req.Module(), "/")
	u := &url.URL{Scheme: "https", Host: host, Path: "/" + path, RawQuery: "go-get=1"}
	resp, err := j.source.web.get(ctx, u, j.ses.trust)
	if err != nil {
		return page{err: err}
	}
	defer resp.Body.Close()
	tags := parseGoImports(io.LimitReader(resp.Body, maxPage))
	found := slices.ContainsFunc(tags, func(g goImport) bool { return g.covers(j.req.Module()) })
	return page{status: resp.StatusCode, found: found}
}
