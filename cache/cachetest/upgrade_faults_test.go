package cachetest_test

import (
	"context"
	"errors"
	"io/fs"

	"github.com/breakwater-go/breakwater/cache"
)

// able is a store with every optional interface, each of which may be broken.
type able struct {
	cache.Deleter
	fault string
}

func (a able) Delete(ctx context.Context, key string) error {
	switch a.fault {
	case "deletes nothing":
		return nil
	case "deletes too much":
		a.Deleter.Delete(ctx, "example.com/!upper/mod/@v/list")
	case "minds what is not there":
		if _, err := a.Get(ctx, key); errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return a.Deleter.Delete(ctx, key)
}

func (a able) MaxEntry() int64 {
	max := a.Deleter.(cache.Bounded).MaxEntry()
	switch a.fault {
	case "takes more than it says":
		return max - 1
	case "takes less than it says":
		return max + 1
	case "too small":
		return 10
	}
	return max
}

func (a able) NewSpool(memory int64) *cache.Spool {
	switch a.fault {
	case "spools always in memory":
		return cache.NewSpool(1 << 30)
	case "spools never in memory":
		return cache.NewSpool(-1)
	}
	return cache.NewSpool(memory)
}

func (a able) Move(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error {
	digest, err := spool.Digest()
	if err != nil {
		if a.fault == "moves what is not finished" {
			return a.Put(ctx, key, cache.Content{Body: cache.NewBody(nil)})
		}
		return err
	}
	meta.Digest = digest
	switch a.fault {
	case "moves only memory":
		if _, ok := spool.Bytes(); !ok {
			return errors.New("it is in a file")
		}
	case "moves nothing":
		return nil
	case "loses meta":
		meta.Origin = ""
	}
	r := spool.Reader(ctx)
	defer r.Close()
	return a.Put(ctx, key, cache.Content{Meta: meta, Size: spool.Size(), Body: r})
}

func upgradeFaults() []fault {
	var all []fault
	for _, f := range []struct{ check, name string }{
		{"deleter", "deletes nothing"},
		{"deleter", "deletes too much"},
		{"deleter", "minds what is not there"},
		{"bounded", "takes more than it says"},
		{"bounded", "takes less than it says"},
		{"bounded", "too small"},
		{"spooler", "spools always in memory"},
		{"spooler", "spools never in memory"},
		{"mover", "moves what is not finished"},
		{"mover", "moves only memory"},
		{"mover", "moves nothing"},
		{"commit", "moves nothing"},
		{"mover", "loses meta"},
	} {
		all = append(all, fault{f.check, f.name, func(s cache.Store) cache.Store {
			return able{s.(cache.Deleter), f.name}
		}})
	}
	return all
}
