package cli

import (
	"context"
	"fmt"

	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/breakwater-go/breakwater/upstream"
)

// holds sees that the cache has the files of got that the go.sum lists, where they are
// to stay there or the go command takes them from there, and not others of their names:
// the cache may be shared with projects that have another go.sum, and keeps what
// those vouch for (see fetch.Options.GoSum). What else goes to a target is from s.
func (s *session) holds(ctx context.Context, got download.Got, to target) error {
	if got.Sums == nil || to.dir != "" {
		return nil
	}
	if !to.cacheOnly {
		got.Mods, got.Infos = nil, nil
	}
	files, err := filesOf(got)
	if err != nil {
		return err
	}
	for _, req := range files {
		resp, err := s.Fetch(upstream.WithOffline(ctx), req)
		if err == nil {
			resp.Body.Close()
		} else if upstream.ClassOf(err) == upstream.Untrusted {
			return finalError{fmt.Errorf("the cache %s keeps another file, for projects with another go.sum: "+
				"find out which is right, or name another cache with -cache: %w", s.dir, err)}
		}
	}
	return nil
}
