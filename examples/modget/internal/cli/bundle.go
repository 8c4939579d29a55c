package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/spf13/cobra"
	"golang.org/x/mod/module"
)

func (a *app) bundleCommand() *cobra.Command {
	bundle := &cobra.Command{
		Use:   "bundle",
		Short: "Carry modules to where there is no network",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usagef("there is no command \"modget bundle %s\": it is export or import", args[0])
		},
	}
	export := a.command("export [flags] DIR|FILE.tar|FILE.tar.gz MODULE[@QUERY] | FILE | all ...",
		"Write a bundle of modules",
		"Writes what is wanted, with what proves it by the checksum database, into a directory or a\n"+
			"tar archive. A directory serves as GOPROXY=file:///DIR, with the go command's default\n"+
			"settings; export later bundles for the same place into the same directory. An archive of\n"+
			"that name is replaced.\n\n"+inputs,
		some(2, "a directory or a file to write, or what to put into it,"),
		func(ctx context.Context, args []string) error { return a.export(ctx, args[0], args[1:]) })
	limits, sums := &fetch.BundleLimits{}, ""
	imports := a.command("import [flags] DIR|FILE.tar|FILE.tar.gz",
		"Take a bundle into the cache",
		"Takes a bundle's modules into the cache, each verified as if a source had sent it. After\n"+
			"that \"modget download -offline go.sum\" puts them into GOMODCACHE.",
		arguments{1, 1, "the bundle"},
		func(ctx context.Context, args []string) error { return a.imports(ctx, args[0], sums, limits) })
	imports.Flags().StringVar(&sums, "gosum", "", "a go.sum `FILE` that decides about what it lists, as it must for private modules")
	imports.Flags().Int64Var(&limits.Bytes, "max-bytes", 0, "how many `BYTES` an archive may unpack to (default 16 GiB)")
	bundle.AddCommand(export, imports)
	return bundle
}

// A bundled is what a bundle command did.
type bundled struct {
	Bundle string `json:"bundle"`
	Files  int    `json:"files"`
	Lacks  int    `json:"lacks,omitempty"` // modules that could not be had
}

func (a *app) export(ctx context.Context, to string, args []string) error {
	if err := checkTarget(to); err != nil {
		return err
	}
	want, graph, err := a.wanted(ctx, args)
	if err != nil {
		return err
	}
	// Where the bundle goes, the checksum database's word proves more than a go.sum
	// that is not there: so it is asked about all that it may be asked about.
	s, err := a.open(ctx, nil)
	if err != nil {
		return err
	}
	got, err := a.fetch(ctx, s, want, graph)
	if err == nil && len(got.Modules)+len(got.Mods) > 0 {
		err = a.write(ctx, s, to, got)
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return told(got.Errs)
}

// write makes the bundle of what is in the cache.
func (a *app) write(ctx context.Context, s *session, to string, got download.Got) error {
	files, err := filesOf(got)
	if err != nil {
		return err
	}
	line := a.line()
	defer line.close()
	line.show("writing %s ...", to)
	if isArchive(to) {
		err = s.exportArchive(ctx, to, files)
	} else {
		err = s.Export(ctx, to, files)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil { // where files could not be stored, that they are not there follows
		return fmt.Errorf("writing the bundle %s: %w", to, errors.Join(s.Flush(ctx), err))
	}
	line.close()
	return a.report(bundled{to, len(files), len(got.Errs)}, "%s holds %d files")
}

func filesOf(got download.Got) ([]upstream.Request, error) {
	files, err := fetch.ModuleFiles(got.Modules...)
	if err != nil {
		return nil, err
	}
	for kind, of := range map[upstream.Kind][]module.Version{upstream.Mod: got.Mods, upstream.Info: got.Infos} {
		for _, m := range of {
			req, err := upstream.NewRequest(kind, m.Path, m.Version)
			if err != nil {
				return nil, err
			}
			files = append(files, req)
		}
	}
	return files, nil
}

func (a *app) imports(ctx context.Context, from, goSum string, limits *fetch.BundleLimits) error {
	if limits.Bytes < 0 {
		return usagef("-max-bytes is a number from 1, not %d", limits.Bytes)
	}
	sums, err := readGoSum(ctx, goSum)
	if err != nil {
		return err
	}
	line := a.line()
	defer line.close()
	line.show("importing %s ...", from)
	dir, remove, err := a.unpacked(ctx, from, limits)
	if err != nil {
		return err
	}
	defer remove()
	return a.with(ctx, sums, func(s *session) error {
		n, err := s.Import(ctx, dir)
		if err := errors.Join(s.Flush(ctx), err); err != nil {
			return finalError{fmt.Errorf("importing %s: %w", from, err)}
		}
		if n == 0 {
			return usagef("%s holds no module file: name a directory or an archive that \"modget bundle export\" has written", from)
		}
		line.close()
		return a.report(bundled{from, n, 0}, "%s: %d files are in the cache now")
	})
}

// readGoSum reads the file that a -gosum flag names; nil if it names none.
func readGoSum(ctx context.Context, name string) (*verify.GoSum, error) {
	if name == "" {
		return nil, nil
	}
	sums, err := soon(ctx, func() (*verify.GoSum, error) { return manifest.ReadGoSum(name) })
	if err != nil && ctx.Err() == nil {
		return nil, badInput(err)
	}
	return sums, err
}

func (a *app) report(b bundled, format string) error {
	if a.quiet {
		return nil
	}
	return a.print(b, func(w io.Writer) {
		fmt.Fprintf(w, format, b.Bundle, b.Files)
		if b.Lacks > 0 {
			fmt.Fprintf(w, ", and lacks %d of what is wanted", b.Lacks)
		}
		fmt.Fprintln(w)
	})
}
