package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// An answer is what one call brought.
type answer struct {
	spool *cache.Spool // finished, and in the right form; nil: it was cut short
	h1    string       // of a go.mod file or zip that was not cut short
	size  int64        // that was read
	took  time.Duration
	slow  bool // it was cut short because it took too long
}

func (a *answer) close() {
	if a.spool != nil {
		a.spool.Close()
	}
}

// A localError is a failure of this machine, for which no source is to blame and with
// which there is no point in going on.
type localError struct{ err error }

func (e *localError) Error() string {
	return fmt.Sprintf("what a source sends cannot be kept while it is looked at: %v (is the disk full? TMPDIR says where temporary files go)", e.err)
}

func (e *localError) Unwrap() error { return e.err }

var (
	errPatience  = errors.New("no whole answer within the time that the survey gives")
	errBrokenOff = errors.New("the body is not as long as it was announced")
	errTooLarge  = errors.New("the body is larger than such a file may be")
)

// keptInMemory is how much of an answer is in memory, in bytes, before it goes to a
// temporary file.
const keptInMemory = 1 << 20

// ask makes one call and reads what comes. The error is a *localError, or the source's.
func (s *surveyor) ask(ctx context.Context, u upstream.Upstream, req upstream.Request) (*answer, error) {
	patience, limit := s.opts.Patience, req.Kind().MaxSize()
	if req.Kind() == upstream.Zip {
		patience, limit = s.opts.ZipTime, s.opts.MaxZip
	}
	bounded, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	begun := time.Now()
	resp, err := u.Fetch(bounded, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	spool := cache.NewSpool(keptInMemory)
	keep := &keeper{spool: spool}
	size, err := io.Copy(keep, io.LimitReader(resp.Body, limit+1))
	a := &answer{spool: spool, size: size, took: time.Since(begun)}
	switch late := bounded.Err() != nil && ctx.Err() == nil; {
	case keep.err != nil:
		err = &localError{keep.err}
	case req.Kind() == upstream.Zip && size > 0 && (size > limit || err != nil && late):
		spool.Close()
		a.spool, a.size, a.slow = nil, min(size, limit), size <= limit
		return a, nil
	case err != nil:
	case size > limit:
		err = errTooLarge
	case resp.Size > 0 && size != resp.Size:
		err = errBrokenOff
	default:
		err = a.finish(req)
	}
	if err != nil {
		spool.Close()
		return nil, err
	}
	return a, nil
}

// finish looks at what came as a whole: a page of a login is no go.mod file that
// differs, and a zip that is damaged has no hash. That the file in which it was kept
// cannot be read is a *localError.
func (a *answer) finish(req upstream.Request) error {
	if err := a.spool.Finish(); err != nil {
		return &localError{err}
	}
	if req.Kind() == upstream.Zip { // which is looked at in a file
		if _, err := a.spool.FileName(); err != nil {
			return &localError{err}
		}
	}
	err := verify.CheckStructure(req, a.spool)
	if err == nil {
		a.h1, err = a.hash(req.Kind())
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return &localError{err}
	}
	return err
}

func (a *answer) hash(k upstream.Kind) (string, error) {
	content := a.reader()
	defer content.Close()
	switch k {
	case upstream.Mod:
		return verify.HashMod(content)
	case upstream.Zip:
		return verify.HashZip(content, a.size)
	}
	return "", nil
}

// reader reads what came, which is finished and never waited for.
func (a *answer) reader() *cache.SpoolReader { return a.spool.Reader(context.Background()) }

// A keeper writes to a spool and remembers that this failed: of what io.Copy
// returns, nobody could tell whose failure it is.
type keeper struct {
	spool *cache.Spool
	err   error
}

func (k *keeper) Write(p []byte) (int, error) {
	n, err := k.spool.Write(p)
	k.err = err
	return n, err
}
