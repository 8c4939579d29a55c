package fetch

import "github.com/breakwater-go/breakwater/upstream"

// A Fetcher is an [upstream.Upstream] that promises more: what it returns is
// complete and checked, its Body is also an [io.Seeker] and [io.ReaderAt], and
// where several sources failed its error is the most helpful one. Because it is
// an Upstream, it can be the source of another Fetcher.
type Fetcher interface {
	upstream.Upstream
}
