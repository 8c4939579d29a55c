package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Settings are what the command line says.
type settings struct {
	check    bool
	quick    bool
	rounds   int            // of every promise; 0: as many as it takes
	only     *regexp.Regexp // nil: everything
	out      string         // a file or directory for the record; "": none
	profiles string         // a directory for CPU profiles; "": none
}

func parseFlags(args []string, output io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("speed", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.BoolVar(&s.check, "check", false, "fail if a ratio is lost beyond noise")
	flags.BoolVar(&s.quick, "quick", false, "take small sizes and few rounds")
	flags.IntVar(&s.rounds, "rounds", 0, "run so many rounds of each promise (default: as many as it takes, fewer with -quick)")
	flags.StringVar(&s.out, "out", "", "write every round in Go's benchmark format to this `FILE`, or to one named after the machine in this directory")
	flags.StringVar(&s.profiles, "cpuprofile", "", "write a CPU profile of each of our sides to this `DIR`")
	flags.Func("only", "measure the promises whose name matches this `REGEXP`", func(value string) (err error) {
		s.only, err = regexp.Compile(value)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("there are no arguments, only flags: %q", flags.Args())
	}
	return s, nil
}

// run is the command: it measures, prints and checks.
func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	s, err := parseFlags(args, stdout)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	e, err := newEnv(s.quick)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.rounds = s.rounds
	outcomes, err := measureAll(ctx, s, e, table{stdout})
	if err != nil {
		return err
	}
	if err := s.record(outcomes); err != nil {
		return err
	}
	return s.judge(outcomes)
}

// measureAll measures what the settings choose, one after the other.
func measureAll(ctx context.Context, s settings, e *env, t table) ([]*outcome, error) {
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o777); err != nil {
			return nil, err
		}
	}
	t.head()
	var outcomes []*outcome
	for _, p := range promises() {
		if s.only != nil && !s.only.MatchString(p.name) {
			continue
		}
		measured := func() (*outcome, error) { return measure(ctx, p, e, s.profiles) }
		o, err := measured()
		if err == nil && s.check {
			o, err = settle(o, measured)
		}
		if err != nil {
			return nil, err
		}
		t.row(o)
		outcomes = append(outcomes, o)
	}
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("no promise has a name that matches %v", s.only)
	}
	t.foot(outcomes)
	return outcomes, nil
}

func (s settings) record(outcomes []*outcome) (err error) {
	if s.out == "" {
		return nil
	}
	file := s.out
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, recordName())
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return writeRecord(f, machine(), outcomes)
}

// judge returns an error that names what is lost, if that is to be checked.
func (s settings) judge(outcomes []*outcome) error {
	if !s.check {
		return nil
	}
	var names []string
	for _, o := range outcomes {
		if o.verdict() == lost {
			names = append(names, o.promise.name)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("lost beyond noise: %s", strings.Join(names, ", "))
	}
	return nil
}
