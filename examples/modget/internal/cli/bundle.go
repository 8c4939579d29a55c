package cli

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/spf13/cobra"
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
			"settings; export later bundles for the same place into the same directory.\n\n"+inputs,
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
}

func (a *app) export(ctx context.Context, to string, args []string) error {
	want, graph, err := a.wanted(args)
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
	if isArchive(to) {
		err = s.exportArchive(ctx, to, files)
	} else {
		err = s.Export(ctx, to, files)
	}
	if err != nil {
		return fmt.Errorf("writing the bundle %s: %w", to, err)
	}
	return a.report(bundled{to, len(files)}, "%s holds %d files\n")
}

func filesOf(got download.Got) ([]upstream.Request, error) {
	files, err := fetch.ModuleFiles(got.Modules...)
	if err != nil {
		return nil, err
	}
	for _, m := range got.Mods {
		req, err := upstream.NewRequest(upstream.Mod, m.Path, m.Version)
		if err != nil {
			return nil, err
		}
		files = append(files, req)
	}
	return files, nil
}

func isArchive(name string) bool { return strings.HasSuffix(name, ".tar") || isCompressed(name) }

func isCompressed(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// exportArchive writes the archive beside its place and renames it, so that it is
// there whole or not at all.
func (s *session) exportArchive(ctx context.Context, name string, files []upstream.Request) error {
	dir, err := os.MkdirTemp(filepath.Dir(name), ".modget-bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree, archive := filepath.Join(dir, "tree"), filepath.Join(dir, "archive")
	if err := s.Export(ctx, tree, files); err != nil {
		return err
	}
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	if err := errors.Join(pack(out, tree, isCompressed(name)), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(archive, name)
}

func pack(out io.Writer, tree string, compressed bool) error {
	if !compressed {
		return fetch.WriteBundle(out, tree)
	}
	zipped, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // nearly all of it is zips
	if err != nil {
		return err
	}
	return errors.Join(fetch.WriteBundle(zipped, tree), zipped.Close())
}

func (a *app) imports(ctx context.Context, from, goSum string, limits *fetch.BundleLimits) error {
	dir, remove, err := a.unpacked(from, limits)
	if err != nil {
		return err
	}
	defer remove()
	sums, err := readGoSum(goSum)
	if err != nil {
		return err
	}
	return a.with(ctx, sums, func(s *session) error {
		n, err := s.Import(ctx, dir)
		if err := errors.Join(err, s.stored(ctx)); err != nil {
			return finalError{fmt.Errorf("importing %s: %w", from, err)}
		}
		return a.report(bundled{from, n}, "%s: %d files are in the cache now\n")
	})
}

// readGoSum reads the file that a -gosum flag names; nil if it names none.
func readGoSum(name string) (*verify.GoSum, error) {
	if name == "" {
		return nil, nil
	}
	sums, err := verify.ReadGoSum(name)
	if err != nil {
		return nil, badInput(err)
	}
	return sums, nil
}

// unpacked returns the bundle as a directory, and what to call when it is not needed
// any more.
func (a *app) unpacked(bundle string, limits *fetch.BundleLimits) (dir string, remove func(), err error) {
	info, err := os.Stat(bundle)
	if err != nil {
		return "", nil, badInput(err)
	}
	if info.IsDir() {
		return bundle, func() {}, nil
	}
	cache, err := a.cacheDir()
	if err != nil {
		return "", nil, err
	}
	beside := filepath.Dir(cache) // where there must be room for it anyway
	if err := os.MkdirAll(beside, 0o777); err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(beside, ".modget-bundle-*")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	if err := unpack(bundle, dir, limits); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

func unpack(name, dir string, limits *fetch.BundleLimits) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	content := io.Reader(file)
	if isCompressed(name) {
		if content, err = gzip.NewReader(file); err != nil {
			return usagef("reading %s: %w: it is no archive that \"modget bundle export\" has written", name, err)
		}
	}
	if err := fetch.ReadBundle(content, dir, limits); err != nil {
		return fmt.Errorf("unpacking %s: %w", name, err)
	}
	return nil
}

func (a *app) report(b bundled, format string) error {
	if a.quiet {
		return nil
	}
	return a.print(b, func(w io.Writer) { fmt.Fprintf(w, format, b.Bundle, b.Files) })
}
