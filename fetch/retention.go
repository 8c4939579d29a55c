package fetch

import (
	"strings"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// diskOptions are those of the default store.
func (o *Options) diskOptions(w *watch) *cache.DiskOptions {
	return &cache.DiskOptions{
		Bounds: cache.Bounds{MaxBytes: o.CacheBytes, MaxAge: o.CacheAge, Retention: retention(o.Pinned)},
		OnCorruption: func(c cache.Corruption) {
			w.corrupted(c)
			o.Logger.Error("an entry of the cache was damaged; it is fetched again", "key", c.Key, "error", c.Err, "kept", c.File)
		},
		OnEviction: func(e cache.Eviction) {
			w.evicted(e)
			if e.Err != nil {
				o.Logger.Warn("making room in the cache failed", "entries", e.Entries, "bytes", e.Bytes, "error", e.Err)
				return
			}
			o.Logger.Debug("made room in the cache", "entries", e.Entries, "bytes", e.Bytes)
		},
	}
}

// retention returns how the store is to treat entries: what has a key of another
// kind than files have is the state of the checksum database and evidence against
// it, and stays.
func retention(pinned string) func(key string) cache.Retention {
	return func(key string) cache.Retention {
		file, unverified := strings.CutPrefix(key, unverifiedPrefix)
		req, err := upstream.ParsePath("/" + file)
		switch {
		case err != nil, req.Kind() == upstream.SumDBLatest:
			return cache.Pin
		case pinned != "" && req.Module() != "" && module.MatchPrefixPatterns(pinned, req.Module()):
			return cache.Pin
		case unverified, !req.Immutable():
			return cache.EvictFirst
		}
		return cache.Keep
	}
}
