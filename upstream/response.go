package upstream

import (
	"io"
	"time"
)

// A Response is the successful answer to a [Request]. The caller closes Body.
//
// From an ordinary source Body may be a network stream, and reading it may
// still fail. Behind the middleware of package verify, and so from a Fetcher,
// Body is complete and checked, and is also an [io.Seeker] and [io.ReaderAt].
type Response struct {
	Body io.ReadCloser // the content, from Offset on; never nil
	Size int64         // of the content in bytes; 0 or less where a source has not said

	// ModTime is when the source says that the content last changed; zero if
	// it has not said.
	ModTime time.Time

	// Source is the name of what answered: a source's, or that of the layer of
	// a cache, such as "memory" or "disk".
	Source string

	// Cached is whether it was at hand, so that no source was asked for it.
	Cached bool

	// Collapsed is whether a Fetcher was fetching it for somebody else already when
	// it was asked for, so that no source was asked once more.
	Collapsed bool

	// Offset is where in the content Body begins: that of the [ResumePoint] in
	// the context where the source went on from there, and else 0.
	Offset int64

	// Validator says which state of the content this is, for going on with it
	// when it breaks off: a strong ETag or a date, as an If-Range header takes
	// it; empty if the source did not say.
	Validator string

	// What follows is known of content that went through a Fetcher; the zero
	// values mean "not known" and "not stale".

	// Origin is the name of the source that the content was first had from.
	Origin string

	// Fetched is when a source last gave this content, or confirmed it.
	Fetched time.Time

	// Stale is why an old answer to a changeable question is given in place of
	// a new one: the error that asking the sources again met. A stale answer
	// that is being renewed in the background has [ErrRevalidating], one that was old
	// already where it comes from [ErrStaleThere].
	Stale error

	// Verified names the strongest check that the content passed; package
	// verify defines the values. Empty: none.
	Verified string

	// Digest is the SHA-256 of the body in hexadecimal. It is a strong
	// validator, not proof of authenticity.
	Digest string
}
