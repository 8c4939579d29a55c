package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/inspect"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/spf13/cobra"
)

func (a *app) verifyCommand() *cobra.Command {
	var goSum string
	cmd := a.command("verify [flags] [DIR ...]",
		"Verify what a directory holds, by the checksum database or a go.sum",
		"Compares the zips, go.mod files and unpacked modules in GOMODCACHE, a cache, a bundle or any\n"+
			"directory of modules with what the checksum database has. Without arguments: the cache.\n"+
			"Nothing there is changed, and no cache has to be writable. The exit code is 6 if anything is\n"+
			"not what it should be, 5 if the database does not know something, 4 if it could not be asked.",
		some(0, ""),
		func(ctx context.Context, dirs []string) error { return a.verify(ctx, dirs, goSum) })
	cmd.Flags().StringVar(&goSum, "gosum", "", "a go.sum `FILE` that decides about what it lists; the database does about the rest")
	return cmd
}

func (a *app) verify(ctx context.Context, dirs []string, goSum string) error {
	sums, err := readGoSum(ctx, goSum)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		dir, err := a.cacheDir()
		if err != nil {
			return err
		}
		dirs = []string{dir}
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return badInput(err)
		}
		if !info.IsDir() {
			return usagef("%s is no directory: an archive is verified by %q", dir, "modget bundle import")
		}
	}
	s, err := a.openToRead(ctx)
	if err != nil {
		return err
	}
	return errors.Join(a.verifyAll(ctx, s, dirs, sums), s.Close())
}

func (a *app) verifyAll(ctx context.Context, s *session, dirs []string, sums *verify.GoSum) error {
	by, err := s.judge(sums)
	if err != nil {
		return err
	}
	var verdicts []error
	for _, dir := range dirs {
		if err := a.verifyTree(ctx, s, dir, sums, by, &verdicts); err != nil {
			return err
		}
	}
	return told(verdicts)
}

// judge returns the go.sum before the checksum database, or what there is of them.
func (s *session) judge(sums *verify.GoSum) (verify.Verifier, error) {
	database, err := s.verifier()
	switch {
	case err != nil:
		return nil, err
	case sums == nil && database == nil:
		return nil, usagef("GOSUMDB is off, so that nothing can be verified: name a go.sum with -gosum, or set GOSUMDB")
	case sums == nil:
		return database, nil
	case database == nil:
		return sums, nil
	}
	return verify.Sequence(sums, database), nil
}

// verifyTree prints what is wrong in a directory, and adds an error for each kind of it
// to verdicts.
func (a *app) verifyTree(ctx context.Context, s *session, dir string, sums *verify.GoSum, by verify.Verifier, verdicts *[]error) error {
	begun := time.Now()
	var writeErr error
	report, err := inspect.Tree(ctx, dir, &inspect.Options{
		Verifier: by, GoSum: sums, Jobs: a.jobs, Exempt: s.exempt,
		Progress: func(f inspect.Finding) { writeErr = errors.Join(writeErr, a.printFinding(f)) },
	})
	if _, ok := errors.AsType[*inspect.NoModulesError](err); ok {
		return usageError{err}
	}
	if err := errors.Join(err, context.Cause(ctx), writeErr); err != nil {
		return err
	}
	for code, n := range map[int]int{
		exitUntrusted: report.Bad, exitDenied: report.Unknown,
		exitUnavailable: report.Unavailable, exitLocal: report.Unreadable,
	} {
		if n > 0 {
			*verdicts = append(*verdicts, toldError{code})
		}
	}
	sum := verified{"summary", dir, report.Checked, report.OK, report.Bad, report.Unknown, report.Unavailable, report.Exempt, report.Unreadable}
	return a.print(sum, func(w io.Writer) {
		if !a.quiet {
			fmt.Fprintf(w, "%s: %s in %.1fs\n", dir, sum, time.Since(begun).Seconds())
		}
	})
}

// A verified is what a directory came to, in numbers of files and unpacked modules.
type verified struct {
	Type        string `json:"type"`
	Dir         string `json:"dir"`
	Checked     int    `json:"checked"`
	OK          int    `json:"ok"`
	Bad         int    `json:"bad"`
	Unknown     int    `json:"unknown"`
	Unavailable int    `json:"unavailable"`
	Exempt      int    `json:"exempt"`
	Unreadable  int    `json:"unreadable"`
}

func (v verified) String() string {
	text := fmt.Sprintf("%d of %d files are what they should be", v.OK, v.Checked)
	for _, part := range []struct {
		n    int
		what string
	}{
		{v.Bad, "wrong"},
		{v.Unknown, "not known to the checksum database"},
		{v.Unavailable, "that it could not be asked about"},
		{v.Exempt, "that it is not to be asked about"},
		{v.Unreadable, "that could not be read"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// printFinding prints what is not in order.
func (a *app) printFinding(f inspect.Finding) error {
	if f.Verdict == inspect.OK || f.Verdict == inspect.Exempt {
		return nil
	}
	if !a.json {
		_, err := fmt.Fprintln(a.Out, display.Printable(f.String())) // names of files are a stranger's words
		return err
	}
	object := map[string]string{
		"type": "finding", "path": f.Module.Path, "version": f.Module.Version,
		"file": f.File, "verdict": f.Verdict.String(), "want": f.Want, "got": f.Got,
	}
	if f.Err != nil {
		object["class"], object["text"] = upstream.ClassOf(f.Err).String(), firstLine(f.Err)
	}
	return json.NewEncoder(a.Out).Encode(object)
}
