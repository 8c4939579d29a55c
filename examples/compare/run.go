package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"sync"
)

// Settings are what the command line says.
type settings struct {
	peers    []*peer // besides those that are always there
	only     *regexp.Regexp
	quick    bool
	markdown bool
	json     bool
}

func parseFlags(args []string, usage io.Writer) (settings, error) {
	var s settings
	var peers []string
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // one line says what is wrong, not a page
	flags.Func("peer", "compare with a proxy, too: `NAME=COMMAND`, in which {addr}, {dir}, {sources}, {comma}, {gosumdb} and {sumdb} are filled in; see go doc -cmd", func(value string) error {
		peers = append(peers, value)
		return nil
	})
	flags.Func("only", "play the scenarios whose name matches this `REGEXP`", func(value string) (err error) {
		s.only, err = regexp.Compile(value)
		return err
	})
	flags.BoolVar(&s.quick, "quick", false, "play one round of each scenario")
	flags.BoolVar(&s.markdown, "markdown", false, "print a table in Markdown at the end, and nothing before")
	flags.BoolVar(&s.json, "json", false, "print a JSON array at the end, and nothing before")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(usage)
			flags.PrintDefaults()
		}
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("there are no arguments, only flags: %q", flags.Args())
	case s.markdown && s.json:
		return s, errors.New("-markdown or -json: choose one")
	}
	for _, text := range peers {
		p, err := parsePeer(text)
		if err != nil {
			return s, fmt.Errorf("-peer: %w", err)
		}
		s.peers = append(s.peers, p)
	}
	if !slices.ContainsFunc(scenarios(), s.chooses) {
		return s, fmt.Errorf("-only: no scenario has a name that matches %q", s.only)
	}
	return s, nil
}

// chooses reports whether a scenario is to be played.
func (s settings) chooses(sc scenario) bool { return s.only == nil || s.only.MatchString(sc.name) }

func (s settings) output(w io.Writer) output {
	switch {
	case s.markdown:
		return &document{w: w}
	case s.json:
		return &objects{w: w}
	}
	return &lines{w: w}
}

// run is the command. Its error is that it could not measure.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	s, err := parseFlags(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("the go command is what downloads, put it in PATH: %w", err)
	}
	peers, err := builtIn()
	if err != nil {
		return err
	}
	peers = append(peers, s.peers...)
	if err := checkNames(peers); err != nil {
		return err
	}
	return compare(ctx, s, peers, s.output(stdout))
}

// checkNames refuses two peers of one name, by which their results are told apart.
func checkNames(peers []*peer) error {
	for i, p := range peers {
		if slices.ContainsFunc(peers[:i], func(other *peer) bool { return other.name == p.name }) {
			return fmt.Errorf("-peer: there are two of the name %q, give each its own", p.name)
		}
	}
	return nil
}

// compare plays the scenarios that the settings choose.
func compare(ctx context.Context, s settings, peers []*peer, out output) error {
	c, err := newCatalog()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if err := p.inspect(ctx, c); err != nil {
			return err
		}
	}
	out.begin(peers)
	for _, sc := range scenarios() {
		if !s.chooses(sc) {
			continue
		}
		if s.quick {
			sc.rounds = 1
		}
		out.scenario(sc)
		if err := sc.playAll(ctx, c, peers, out); err != nil {
			return err
		}
	}
	return out.end()
}

// inspect starts a peer once, so that one that does not start is known before anything is
// measured, and finds out whether it answers for the checksum database.
func (p *peer) inspect(ctx context.Context, c *catalog) (err error) {
	if p.command == nil {
		return nil
	}
	s, err := newStage(ctx, c, p, scenario{}, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	got, a := s.ask(ctx, databasePrefix+"/supported")
	p.database = a.Right && got.status == 200
	return ctx.Err()
}

// playAll has each peer play the scenario: one after the other, or, where that takes long
// and little else, all at once. Everything listens before anything stops listening, so
// that nobody gets a port that somebody else will want back.
func (sc scenario) playAll(ctx context.Context, c *catalog, peers []*peer, out output) error {
	if !sc.waits {
		for _, p := range peers {
			if err := sc.playTogether(ctx, c, []*peer{p}, out); err != nil {
				return err
			}
		}
		return nil
	}
	return sc.playTogether(ctx, c, peers, out)
}

func (sc scenario) playTogether(ctx context.Context, c *catalog, peers []*peer, out output) (err error) {
	results := make([]result, len(peers))
	stages := make([]*stage, len(peers))
	defer func() {
		for _, s := range stages {
			if s != nil {
				err = errors.Join(err, s.close())
			}
		}
	}()
	for i, p := range peers {
		results[i] = result{Scenario: sc.name, Peer: p.name, counted: sc.counted}
		if sc.proxy && p.command == nil {
			continue
		}
		if sc.alone && p.list == "{comma}" { // nothing stands before or behind the comma
			results[i].Problem = "as with a|b"
			continue
		}
		if stages[i], err = newStage(ctx, c, p, sc, sc.rounds); err != nil {
			return err
		}
		if err := stages[i].prepare(ctx, sc); err != nil {
			results[i].Problem = err.Error()
		}
	}
	var wg sync.WaitGroup
	for i, s := range stages {
		if s != nil && results[i].Problem == "" {
			wg.Go(func() { s.play(ctx, sc, &results[i]) })
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err // what was not finished says nothing
	}
	for _, r := range results {
		out.result(r)
	}
	return nil
}

func (s *stage) prepare(ctx context.Context, sc scenario) error {
	if sc.prepare == nil {
		return nil
	}
	return sc.prepare(ctx, s)
}

func (s *stage) play(ctx context.Context, sc scenario, r *result) {
	s.forget()
	r.Attempts = sc.play(ctx, s)
	r.Requests = s.count(sc.counted)
	if parts := r.parts(); len(parts) > 0 {
		r.rounds = len(parts[0])
	}
}
