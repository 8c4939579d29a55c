package prommetrics

import (
	"context"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// fileSystems are the directories of a Client's store, by name, each opened a second
// time to read, behind a gate of its own: a network file system that hangs must not
// hang the scrape that would tell of it.
type fileSystems map[string]cache.Store

const (
	slowLook  = 500 * time.Millisecond // a file system that takes as long hangs
	lookPause = time.Minute            // and is left alone for as long: each call that hangs holds a thread
)

// gated returns store behind a gate that closes at the first failure.
func gated(store cache.Store) cache.Store {
	return cache.Gate(store, &cache.GateOptions{Failures: 1, Slow: slowLook, Pause: lookPause})
}

// openFileSystems opens the directories of the layers that have one.
func openFileSystems(layers []cache.Usage) fileSystems {
	all := fileSystems{}
	for _, layer := range layers {
		if layer.Dir == "" || all[layer.Dir] != nil {
			continue
		}
		if store, err := cache.OpenReadOnly(layer.Dir); err == nil {
			all[layer.Dir] = gated(store)
		}
	}
	return all
}

// look returns how much room there is in those that say so in time, by directory.
func (f fileSystems) look() map[string]cache.FileSystem {
	ctx := context.Background() // the gate bounds the wait: one that ended it first would be no failure of the store
	found := map[string]cache.FileSystem{}
	for dir, store := range f {
		if cache.Ping(ctx, store) != nil { // which is what finds out that one is well again
			continue
		}
		if below, err := cache.FileSystemsOf(ctx, store); err == nil && len(below) > 0 {
			found[dir] = below[0]
		}
	}
	return found
}

// byDirectory returns file systems by the label's value of their directory. Several
// directories may have the same one, whose series may exist once only: that with the
// least room counts.
func byDirectory(below map[string]cache.FileSystem) map[string]cache.FileSystem {
	all := map[string]cache.FileSystem{}
	for dir, fs := range below {
		dir = text(dir)
		if other, again := all[dir]; !again || fs.Free < other.Free {
			all[dir] = fs
		}
	}
	return all
}

// close waits for calls that hang.
func (f fileSystems) close() {
	for _, store := range f {
		if c, ok := store.(io.Closer); ok {
			c.Close() // nothing was written
		}
	}
}
