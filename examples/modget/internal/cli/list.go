package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A listing is what there is of a module.
type listing struct {
	Path      string   `json:"path"`
	Versions  []string `json:"versions"`            // in order, without the retracted ones
	Retracted []string `json:"retracted,omitempty"` // by the module's author
	Latest    string   `json:"latest,omitempty"`    // what "latest" stands for
}

func (a *app) listCommand() *cobra.Command {
	var retracted bool
	cmd := a.command("list [flags] MODULE ...",
		"List a module's versions",
		"Lists the versions of modules, in order, as \"go list -m -versions\" does.",
		some(1, "a module's path"),
		func(ctx context.Context, args []string) error { return a.list(ctx, args, retracted) })
	cmd.Flags().BoolVar(&retracted, "retracted", false, "also those that the module's author has retracted")
	return cmd
}

func (a *app) list(ctx context.Context, paths []string, retracted bool) error {
	for _, path := range paths {
		if err := checkModule(path); err != nil {
			return usagef("%w; a version has no place here: see %q", err, "modget help query")
		}
	}
	return a.with(ctx, nil, func(s *session) error {
		for _, path := range paths {
			l, err := newListing(ctx, s, path)
			if err != nil {
				return err
			}
			if err := a.print(l, func(w io.Writer) { l.write(w, retracted) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func newListing(ctx context.Context, f fetch.Fetcher, path string) (listing, error) {
	l := listing{Path: path, Versions: []string{}}
	lines, err := upstream.ReadList(ctx, f, path)
	if err != nil {
		return l, err
	}
	latest, err := fetch.Resolve(ctx, f, path, "latest")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	l.Latest = latest.Version
	isRetracted, err := retractions(ctx, f, path, lines)
	if err != nil {
		return l, err
	}
	for _, line := range lines {
		switch {
		case module.IsPseudoVersion(line.Version): // some sources list those that they have
		case isRetracted(line.Version):
			l.Retracted = append(l.Retracted, line.Version)
		default:
			l.Versions = append(l.Versions, line.Version)
		}
	}
	semver.Sort(l.Versions)
	semver.Sort(l.Retracted)
	if len(lines) == 0 && l.Latest == "" {
		return l, &upstream.Error{Class: upstream.NotFound, Subject: path, Err: errors.New("no version of it is known")}
	}
	return l, nil
}

// retractions returns whether a version is retracted, which the go.mod file of the
// highest version says.
func retractions(ctx context.Context, f fetch.Fetcher, path string, lines []upstream.Listed) (func(string) bool, error) {
	highest := highestOf(lines)
	if highest == "" {
		return func(string) bool { return false }, nil
	}
	data, err := upstream.ReadMod(ctx, f, module.Version{Path: path, Version: highest})
	if err != nil {
		return nil, err
	}
	mod, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return func(string) bool { return false }, nil // nobody can use it, so it retracts nothing
	}
	return func(version string) bool {
		for _, r := range mod.Retract {
			if semver.Compare(r.Low, version) <= 0 && semver.Compare(version, r.High) <= 0 {
				return true
			}
		}
		return false
	}, nil
}

// highestOf returns the highest release, else the highest pre-release; empty if there
// is no version.
func highestOf(lines []upstream.Listed) string {
	isRelease := func(version string) int {
		if semver.Prerelease(version) == "" {
			return 1
		}
		return 0
	}
	var highest string
	for _, line := range lines {
		v := line.Version
		if highest == "" || cmp.Or(cmp.Compare(isRelease(v), isRelease(highest)), semver.Compare(v, highest)) > 0 {
			highest = v
		}
	}
	return highest
}

// write prints the path and its versions on one line, as the go command does.
func (l listing) write(w io.Writer, retracted bool) {
	versions := strings.Join(l.Versions, " ")
	if versions == "" {
		versions = "(no tagged version; latest is " + l.Latest + ")"
	}
	fmt.Fprintf(w, "%s %s\n", l.Path, versions)
	if retracted && len(l.Retracted) > 0 {
		fmt.Fprintf(w, "%s retracted: %s\n", l.Path, strings.Join(l.Retracted, " "))
	}
}

// with runs do with a session, and closes it.
func (a *app) with(ctx context.Context, sums *verify.GoSum, do func(*session) error) error {
	s, err := a.open(ctx, sums)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// print writes v as JSON where that is wanted, and else what text writes.
func (a *app) print(v any, text func(w io.Writer)) error {
	out := &firstError{to: a.Out}
	if a.json {
		return json.NewEncoder(a.Out).Encode(v)
	}
	text(out)
	return out.err
}

// firstError is a writer that remembers what went wrong.
type firstError struct {
	to  io.Writer
	err error
}

func (w *firstError) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	var n int
	n, w.err = w.to.Write(p)
	return n, w.err
}
