package fetch

import (
	"cmp"
	"errors"
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// openDirect returns the source that fetches from version control, the same one
// each time. Where nobody has asked for it by name and there is no go command or
// no git, it has nothing.
func (o *Options) openDirect(p *plan) (upstream.Upstream, error) {
	if source, ok := p.direct.(*gocmd.Source); ok {
		return source, nil
	}
	if o.closed || o.Offline {
		return upstream.Direct(), nil
	}
	source, err := gocmd.New(o.directOptions(p))
	if errors.Is(err, gocmd.ErrNoCommand) && o.Direct == nil {
		o.Logger.Warn("modules that no proxy has cannot be fetched from version control", "error", err)
		return upstream.Direct(), nil
	}
	if err != nil {
		return nil, err
	}
	p.direct = source
	return source, nil
}

// withDirect puts what fetches from version control in the place of each
// [upstream.Direct] in u: that is what the word means in a list of one's own, too.
func (o *Options) withDirect(p *plan, u upstream.Upstream) (upstream.Upstream, error) {
	if !slices.Contains(upstream.Sources(u), upstream.Direct()) {
		return u, nil
	}
	direct, err := o.openDirect(p)
	if err != nil {
		return nil, err
	}
	return upstream.Wrap(u, func(source upstream.Upstream) upstream.Upstream {
		if source == upstream.Direct() {
			return direct
		}
		return source
	}), nil
}

// credentialPatterns returns the patterns of what is fetched with credentials. A
// GONOPROXY of "*" is for those who have no proxy, and says nothing of whose the
// modules are.
func (s GoSettings) credentialPatterns() string {
	if s.GONOPROXY == "*" {
		return s.GOPRIVATE
	}
	return joinPatterns(s.GOPRIVATE, s.GONOPROXY)
}

// directOptions fills in what the go settings say, and the credentials.
func (o *Options) directOptions(p *plan) *gocmd.Options {
	s := p.settings
	var d gocmd.Options
	if o.Direct != nil {
		d = *o.Direct
	}
	d.Name = upstream.Name(upstream.Direct()) // the word in GOPROXY
	d.VCS = cmp.Or(d.VCS, s.GOVCS)
	d.Private = cmp.Or(d.Private, s.credentialPatterns())
	d.Insecure = cmp.Or(d.Insecure, s.GOINSECURE)
	if d.Credentials == nil && d.Netrc == "" && p.credentials != nil {
		d.Credentials = p.credentials
	}
	return &d
}
