package verify

import (
	"context"
	"io"

	"github.com/breakwater-go/breakwater/cache"
)

// HashFollowed is HashZip of what write writes to spool and finishes, with what was
// hashed on the way, however small it is: with all that can be if late, and else with
// what happens to be. It tells how many entries are known from that.
func HashFollowed(ctx context.Context, spool *cache.Spool, late bool, write func()) (hash string, known int, err error) {
	f := newFollower(ctx, spool, 0)
	go f.run()
	write()
	if late {
		<-f.ended
	}
	body := spool.Reader(ctx)
	defer body.Close()
	hash, err = HashZip(&followed{body, f}, spool.Size())
	f.abandon()
	<-f.ended
	return hash, len(f.entries), err
}

// Known returns how many entries of content were hashed on the way, when no more will
// be; -1 if none was going to be. It is for a Verifier's Check.
func Known(content io.ReaderAt) int {
	f, ok := content.(*followed)
	if !ok {
		return -1
	}
	<-f.follower.ended
	return len(f.follower.entries)
}
