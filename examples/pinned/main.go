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
	"syscall"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/verify"
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
	out = filepath.Clean(out) // a slash at the end would be a directory to make it in
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
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
	if err = os.Chmod(temp, 0o755); err == nil {
		err = os.Rename(temp, out)
	}
	if err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	fmt.Fprintf(stdout, "%d modules are in %s\n", len(modules), out)
	return nil
}
