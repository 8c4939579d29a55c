package fetch

import "sync/atomic"

// PrefetchOptions bounds what is fetched before anybody asks for it
// ([Options].Prefetch). Fields that are zero or negative mean the defaults.
type PrefetchOptions struct {
	// AtOnce is how many files are fetched at once. A go command with few
	// processors asks for few at a time: what is gained comes from here.
	// Default: 8.
	AtOnce int

	// Queue is how many files may wait for that. What comes beyond is not fetched.
	// Default: 1024.
	Queue int

	// Files is how many files one answer leads to at most, at all levels of
	// requirements together. Default: 512.
	Files int
}

func (o *PrefetchOptions) withDefaults() PrefetchOptions {
	var opts PrefetchOptions
	if o != nil {
		opts = *o
	}
	if opts.AtOnce <= 0 {
		opts.AtOnce = 8
	}
	if opts.Queue <= 0 {
		opts.Queue = 1024
	}
	if opts.Files <= 0 {
		opts.Files = 512
	}
	return opts
}

// PrefetchStats count what [Options].Prefetch did, since the [Stats]' Since.
type PrefetchStats struct {
	Fetched int64 // files that came from a source before anybody asked
	Failed  int64 // that could not be had, those that do not exist included
	Dropped int64 // that were not fetched for the bounds' sake
	Waiting int   // that wait to be fetched
}

// prefetchCounts are those of a Client, whatever its core.
type prefetchCounts struct{ fetched, failed, dropped atomic.Int64 }
