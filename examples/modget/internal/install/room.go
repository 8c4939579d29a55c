package install

import (
	"archive/zip"
	"context"
	"io"
	"os"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// prepare makes a directory and sees that it can be written, so that it is said
// once, and not of each module.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return inPlace(dir, err)
	}
	probe, err := os.CreateTemp(dir, ".breakwater-*")
	if err != nil {
		return inPlace(dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// freeBytes returns how much room there is below dir. That it is not known is not
// told apart further: then it is not the explanation that is looked for.
func freeBytes(ctx context.Context, dir string) (free int64, ok bool) {
	store, err := cache.OpenReadOnly(dir)
	if err != nil {
		return 0, false
	}
	if c, ok := store.(io.Closer); ok {
		defer c.Close()
	}
	below, err := cache.FileSystemsOf(ctx, store)
	if err != nil || len(below) == 0 {
		return 0, false
	}
	return below[0].Free, true
}

// block is the least that a file takes on common file systems, in bytes.
const block = 4096

// size returns how many bytes a module takes that is not installed: its files, and
// its zip unless that is there already. What the zip says of itself does for that.
func (in *installation) size(m module.Version) (int64, error) {
	from, err := cached(in.opts.Cache, upstream.Zip, m)
	if err != nil {
		return 0, err
	}
	to, err := cached(in.goCommand.downloads(), upstream.Zip, m)
	if err != nil {
		return 0, err
	}
	z, err := zip.OpenReader(from)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	var size int64
	for _, f := range z.File {
		size += blocks(int64(min(f.UncompressedSize64, 1<<40)))
	}
	if _, err := os.Stat(to); err == nil {
		return size, nil
	}
	info, err := os.Stat(from)
	if err != nil {
		return 0, err
	}
	return size + blocks(info.Size()), nil
}

func blocks(size int64) int64 { return (size + block - 1) / block * block }
