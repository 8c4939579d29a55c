package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// named returns cfg with the tier's name, after its place if it was given none.
func named(cfg config) config {
	switch {
	case cfg.name != "":
	case cfg.from == "":
		cfg.name = "regional"
	default:
		cfg.name = "local"
	}
	return cfg
}

// options returns how the tier works. Each verifies module files by itself, by what
// the checksum database says through the tiers behind, which cannot forge that.
func options(cfg config) (*fetch.Options, error) {
	if strings.ContainsFunc(cfg.name, func(r rune) bool { return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return nil, fmt.Errorf("-name: letters, digits and hyphens, not %q", cfg.name) // it is part of a directory's name
	}
	if cfg.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%w: say with -cache where to keep modules", err)
		}
		cfg.cache = filepath.Join(dir, "breakwater-"+cfg.name)
	}
	ttl := cmp.Or(cfg.ttl, -1) // -ttl 0 asks for no time at all, not for the default
	if cfg.from == "" {
		return &fetch.Options{CacheDir: cfg.cache, TTL: ttl}, nil // the user's go settings
	}
	behind, err := upstream.NewHTTP(cfg.from, &upstream.HTTPOptions{ConnectTimeout: time.Second}) // it is near
	if err != nil {
		return nil, fmt.Errorf("-from: %w", err)
	}
	return &fetch.Options{
		CacheDir: cfg.cache,
		TTL:      ttl,
		Upstream: behind,
		// The tier behind has asked its sources up to six times before it says
		// that they are out. Six tries here, too, would make that 36.
		Retry: &breaker.RetryOptions{Tries: 2},
		// Where an older list is at hand, nobody waits longer than this for one
		// that the tier behind has to fetch.
		StaleWait: time.Second,
	}, nil
}
