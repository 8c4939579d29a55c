package upstream

import (
	"context"
	"errors"
)

var (
	errOff    = errors.New("module lookup disabled by GOPROXY=off")
	errDirect = errors.New("nothing here fetches from version control: it takes the go command and git, or a module proxy in GOPROXY that has the module")
)

// Off returns the source that the word "off" in a GOPROXY list stands for. It
// has nothing: everything is [NotFound], as for the go command.
func Off() Upstream { return nothing{"off", errOff} }

// Direct returns the source that the word "direct" in a GOPROXY list stands
// for where there is no version control at hand: it has nothing. Everything is
// [NotFound], which keeps the go command's probing of path prefixes working.
// Package gocmd has a source that fetches from version control, and a Client of package
// fetch puts one in the place of this.
// It never turns another source's failure into "not found", because the failure
// of a source ranks before it.
func Direct() Upstream { return nothing{"direct", errDirect} }

type nothing struct {
	name string
	why  error
}

func (n nothing) Name() string { return n.name }

func (n nothing) Fetch(_ context.Context, req Request) (*Response, error) {
	return nil, &Error{Class: NotFound, Request: req, Source: n.name, Err: n.why}
}
