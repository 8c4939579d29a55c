// Command pinned does what a hermetic build begins with: it downloads the modules
// that a go.sum file lists, or those of them that are named, and unpacks each into
// DIRECTORY/PATH@VERSION. What the file does not list is refused, wherever it is
// from, the cache included; nobody else is asked what a module must hash to:
//
//	go run ./examples/pinned -sum go.sum -out DIRECTORY [MODULE@VERSION ...]
//
// The directory appears when all of it is there, or not at all. A run that was
// interrupted does not download again what it had.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

func main() {
	sum := flag.String("sum", "go.sum", "the go.sum `FILE`")
	out := flag.String("out", "", "the `DIRECTORY` to make")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *sum, *out, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, sumFile, out string, names []string, stdout io.Writer) error {
	sums, err := verify.ReadGoSum(sumFile)
	if err != nil {
		return fmt.Errorf("-sum: %w", err)
	}
	modules, err := choose(sums, names)
	if err != nil {
		return fmt.Errorf("%w in %s: go get, where that file is kept, adds what is missing", err, sumFile)
	}
	if _, err := os.Lstat(out); out == "" || !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-out: it takes a directory that does not exist yet, not %q", out)
	}
	// The file is the Verifier itself, not Options.GoSum, behind which a checksum
	// database would speak for the rest.
	client, err := fetch.New(&fetch.Options{Verifier: sums})
	if err != nil {
		return err
	}
	defer client.Close()
	temp, err := os.MkdirTemp(filepath.Dir(out), ".pinned-*")
	if err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := unpack(ctx, client, modules, temp); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(temp, 0o755), os.Rename(temp, out)); err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	fmt.Fprintf(stdout, "%d modules are in %s\n", len(modules), out)
	return nil
}

// choose returns the modules with the given names, or if there are none all whose
// zip is listed: of many, go.sum files list the go.mod file alone.
func choose(sums *verify.GoSum, names []string) ([]module.Version, error) {
	var modules []module.Version
	for _, name := range names {
		path, version, _ := strings.Cut(name, "@")
		m := module.Version{Path: path, Version: version}
		if !sums.Lists(m, upstream.Zip) {
			return nil, fmt.Errorf("no zip of %s is listed", name)
		}
		modules = append(modules, m)
	}
	for _, req := range sums.Files() {
		if len(names) == 0 && req.Kind() == upstream.Zip {
			modules = append(modules, module.Version{Path: req.Module(), Version: req.Version()})
		}
	}
	if len(modules) == 0 {
		return nil, errors.New("no zip is listed")
	}
	return modules, nil
}
