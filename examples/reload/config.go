package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// config is what the file says.
type config struct {
	Sources string    `json:"sources"` // as in GOPROXY
	Private []private `json:"private"` // the first whose patterns match is asked, and nobody else
}

type private struct {
	Patterns string `json:"patterns"` // as in GOPRIVATE
	Source   string `json:"source"`   // as in GOPROXY
}

// parse makes options of a file's content. A name that is not known is an error:
// "privat" would send private modules to the public sources. What the file does not
// say is as in the go settings.
func parse(content []byte, settings fetch.GoSettings) (*fetch.Options, error) {
	var cfg config
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		return nil, fmt.Errorf("%w: write it as go doc ./examples/reload shows", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is more behind the configuration: remove it")
	}
	if _, err := upstream.NewGOPROXY(cfg.Sources, nil); err != nil {
		return nil, fmt.Errorf("sources: %w", err)
	}
	// Not that as the Upstream: there, "direct" would find nothing.
	settings.GOPROXY = cfg.Sources
	opts := &fetch.Options{Go: &settings}
	for _, p := range cfg.Private {
		source, err := upstream.NewGOPROXY(p.Source, nil)
		if err != nil {
			return nil, fmt.Errorf("private %s: %w", p.Patterns, err)
		}
		if slices.Contains(upstream.Sources(source), upstream.Direct()) {
			return nil, fmt.Errorf("private %s: what comes from version control is named in GOPRIVATE, not here", p.Patterns)
		}
		opts.Private = append(opts.Private, upstream.Route{Patterns: p.Patterns, Upstream: source})
	}
	return opts, nil
}
