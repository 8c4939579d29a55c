package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/spf13/cobra"
	"golang.org/x/mod/module"
)

func (a *app) mirrorsCommand() *cobra.Command {
	opts := &survey.Options{}
	var sample []string
	cmd := a.command("mirrors [flags] [URL ...]",
		"Measure each source, and recommend a GOPROXY",
		"Measures the sources in go env GOPROXY, and those that are named: how long small files take,\n"+
			"how fast zips come, what of a sample they have, how old their lists are, and whether they\n"+
			"send the same bytes as the others and as the checksum database has. Every source is asked\n"+
			"about all of the sample: no private module belongs into it.",
		some(0, ""),
		func(ctx context.Context, args []string) (err error) {
			switch opts.Sample, err = a.sample(sample); {
			case a.offline:
				return usagef("-offline asks nobody, so that no source can be measured: leave it out")
			case err != nil:
				return err
			case opts.Rounds < 1:
				return usagef("-rounds is a number from 1, not %d", opts.Rounds)
			case opts.Budget < 0:
				return usagef("-budget is a time from now, such as 2m, not %v", opts.Budget)
			}
			return a.mirrors(ctx, args, opts)
		})
	cmd.Flags().StringArrayVar(&sample, "sample", nil, "a public `MODULE@VERSION` to measure with; can be given several times (default: some well-known ones)")
	cmd.Flags().IntVar(&opts.Rounds, "rounds", 3, "how often small files are asked for")
	cmd.Flags().DurationVar(&opts.Budget, "budget", 0, "how long to measure (default 2m)")
	return cmd
}

func (a *app) sample(args []string) ([]module.Version, error) {
	var list []module.Version
	for _, arg := range args {
		path, version, _ := strings.Cut(arg, "@")
		if err := cmp.Or(checkModule(path), module.Check(path, version)); err != nil {
			return nil, usagef("-sample: %w", err)
		}
		list = append(list, module.Version{Path: path, Version: version})
	}
	return list, nil
}

func (a *app) mirrors(ctx context.Context, urls []string, opts *survey.Options) (err error) {
	s, err := a.open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if opts.Sources, err = s.sources(urls); err != nil {
		return err
	}
	for _, m := range opts.Sample {
		if s.isPrivate(m.Path) {
			return usagef("-sample: %s is private by your go settings, and every source would learn of it: name a public module", m.Path)
		}
	}
	if opts.Verifier, err = s.verifier(); err != nil {
		return err
	}
	line := a.line()
	opts.OnAsk = line.steps()
	report, err := survey.Run(ctx, opts)
	line.close()
	if report == nil {
		return err
	}
	err = errors.Join(err, a.print(report, func(w io.Writer) { report.WriteTable(w, width(a.Out)) }))
	if err == nil && report.Recommended == "" {
		return toldError{exitUnavailable}
	}
	return errors.Join(err, context.Cause(ctx))
}

// sources are those of the go settings, and the named ones that are not among them.
func (s *session) sources(urls []string) ([]survey.Source, error) {
	credentials, err := auth.New(s.settings.GOAUTH, nil)
	if err != nil {
		return nil, fmt.Errorf("GOAUTH: %w", err)
	}
	for _, u := range urls {
		if err := checkSource(u); err != nil {
			return nil, err
		}
	}
	opts := &upstream.HTTPOptions{Credentials: credentials}
	used, err := survey.FromGOPROXY(s.settings.GOPROXY, opts)
	if err != nil || len(urls) == 0 {
		return used, err
	}
	named, err := survey.FromGOPROXY(strings.Join(urls, ","), opts)
	if err != nil {
		return nil, err
	}
	var all []survey.Source // "direct" ends a list, so those in use come last
	for _, candidate := range named {
		isUsed := func(u survey.Source) bool { return u.Name == candidate.Name }
		if !slices.ContainsFunc(used, isUsed) {
			candidate.Candidate = true
			all = append(all, candidate)
		}
	}
	return append(all, used...), nil
}

func checkSource(text string) error {
	entries, err := upstream.ParseGOPROXY(text)
	if err != nil || len(entries) != 1 || entries[0].URL == "" {
		return usagef("%q is no source's URL: it is like https://proxy.example or file:///DIR", discreet(text))
	}
	return nil
}

func (s *session) isPrivate(path string) bool {
	for _, patterns := range []string{s.settings.GOPRIVATE, s.settings.GONOPROXY, s.settings.GONOSUMDB} {
		if upstream.MatchRestricted(patterns, path) {
			return true
		}
	}
	return false
}
