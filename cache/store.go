package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"
)

// A Store keeps content under keys. A key is a slash-separated path that
// [fs.ValidPath] accepts, in Breakwater the escaped path of the module proxy
// protocol. One that starts with a dot or holds a backslash or a control
// character is refused by Put and a miss to Get. Methods may be called by many
// goroutines at once, also for one key.
type Store interface {
	// Get returns the entry stored under key, whose Body the caller closes.
	// Where there is none, or none that is whole, the error satisfies
	// errors.Is(err, fs.ErrNotExist) and is a *MissError that says why. Any
	// other error means that the store failed, and says nothing of the entry.
	Get(ctx context.Context, key string) (*Entry, error)

	// Put stores content under key, in place of what was there, all of it or
	// nothing: at every moment Get finds the old entry, the new one or a miss.
	// It reads Content.Body once to its end. Content that is not of the Size or
	// Digest announced is refused. A store may refuse content by its size with
	// an error that satisfies errors.Is(err, ErrTooLarge).
	Put(ctx context.Context, key string, c Content) error
}

// Meta is what a store keeps beside content, unchanged.
type Meta struct {
	// Digest is the SHA-256 of the content. A zero Digest in Content means that
	// it is not known yet; an Entry always has one.
	Digest Digest

	// Fetched is when a source last gave the content or confirmed it.
	Fetched time.Time

	// ModTime is when its source says that it last changed; zero if unknown.
	ModTime time.Time

	// Origin is the name of the source that gave it.
	Origin string

	// Verified names the strongest check that it passed, in the words of the
	// caller; the store does not interpret it.
	Verified string

	// Took is how long it took to get the content; zero if unknown. A bounded
	// store parts more easily with what is quickly fetched again.
	Took time.Duration
}

// Content is what Put stores.
type Content struct {
	Meta
	Size int64 // of Body in bytes
	Body io.Reader
}

// An Entry is stored content. From a disk its Body is an *os.File.
type Entry struct {
	Meta
	Size  int64  // of Body in bytes
	Body  Body   // the content, at its start
	Layer string // the kind of store that has it, such as "memory" or "disk"

	touched *atomic.Int64 // of memory: when a slower store was last told of its use
}

// A Body can be read from the start, at any offset, and again.
type Body interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// IsZero reports whether d is the zero Digest, which stands for "not known".
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns d in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ErrTooLarge is the cause when a store refuses content because of its size.
var ErrTooLarge = errors.New("content is too large for this store")

// A MissError says that a store has no whole entry for a key, and why.
type MissError struct {
	Key string // what was looked for
	Err error  // the reason; nil if nothing was ever stored there
}

// Error returns the key and the reason.
func (e *MissError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: not in the cache", e.Key)
	}
	return fmt.Sprintf("%s: not in the cache: %v", e.Key, e.Err)
}

// Is reports that a miss is the absence of an entry.
func (e *MissError) Is(target error) bool { return target == fs.ErrNotExist }

// Unwrap returns the reason.
func (e *MissError) Unwrap() error { return e.Err }

var errKey = errors.New("invalid cache key")

// CheckKey refuses keys that could name something outside of a store, or in the
// part of it where a disk store keeps its own files; see [Store]. The error quotes the
// key; nil means that it is fit.
func CheckKey(key string) error {
	if !fs.ValidPath(key) || key == "." || key[0] == '.' {
		return fmt.Errorf("%w: %.100q", errKey, key)
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] == '\\' || key[i] == 0x7f {
			return fmt.Errorf("%w: %.100q", errKey, key)
		}
	}
	return nil
}

var errMismatch = errors.New("content is not of the size or digest announced")

// check compares what was read with what Content announced.
func (c *Content) check(size int64, d Digest) error {
	if size != c.Size || !c.Digest.IsZero() && d != c.Digest {
		return errMismatch
	}
	return nil
}
