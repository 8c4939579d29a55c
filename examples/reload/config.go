package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// config is what the file says.
type config struct {
	Sources string `json:"sources"` // as in GOPROXY
	Private []struct {
		Patterns string `json:"patterns"` // as in GOPRIVATE
		Source   string `json:"source"`   // as in GOPROXY
	} `json:"private"` // the first whose patterns match is asked, and nobody else
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
	if _, err := decoder.Token(); err != io.EOF { // it may be what keeps private modules private
		return nil, errors.New("there is more behind the configuration: put all of it into one object")
	}
	settings.GOPROXY = cfg.Sources
	opts := &fetch.Options{Go: &settings}
	for _, p := range cfg.Private {
		source, err := upstream.NewGOPROXY(p.Source, nil)
		if err != nil {
			return nil, fmt.Errorf("private %s: %w", p.Patterns, err)
		}
		opts.Private = append(opts.Private, upstream.Route{Patterns: p.Patterns, Upstream: source})
	}
	return opts, nil
}
