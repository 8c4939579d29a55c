package cli

import (
	"fmt"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// verifier returns the checksum database of the go settings, which is asked through
// the same sources as modules are; nil where GOSUMDB is off.
func (s *session) verifier() (verify.Verifier, error) {
	if s.settings.GOSUMDB == "off" {
		return nil, nil
	}
	database, err := verify.ParseGOSUMDB(s.settings.GOSUMDB)
	if err != nil {
		return nil, fmt.Errorf("GOSUMDB: %w", err)
	}
	return verify.NewSumDB(database, s.Client, cache.NewMemory(nil), nil), nil
}

// exempt reports whether the checksum database is not to be asked about a module.
// Toolchains always are (cmd/go/internal/modfetch/sumdb.go).
func (s *session) exempt(path string) bool {
	return path != "golang.org/toolchain" && module.MatchPrefixPatterns(s.settings.GONOSUMDB, path)
}
