package fetch

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/upstream"
)

// checked turns down an answer whose body is not as long as it should be, as a file
// that was cut off in the store: [http.ServeContent] would take what is left for all.
func checked(req upstream.Request) func(*upstream.Response, error) (*upstream.Response, error) {
	return func(resp *upstream.Response, err error) (*upstream.Response, error) {
		if err != nil || resp.Size <= 0 {
			return resp, err
		}
		body, ok := resp.Body.(io.Seeker)
		if !ok {
			return resp, nil
		}
		size, err := body.Seek(0, io.SeekEnd)
		if err == nil && size == resp.Size {
			_, err = body.Seek(0, io.SeekStart)
		} else if err == nil {
			err = fmt.Errorf("the body has %d bytes in place of %d", size, resp.Size)
		}
		if err != nil {
			resp.Body.Close()
			return nil, &upstream.Error{Request: req, Source: resp.Source, Err: err}
		}
		return resp, nil
	}
}

// writeBody breaks the connection if not all of the body could be written: the
// client must not take it for whole. http.ServeContent keeps such errors to itself.
func (x *exchange) writeBody(resp *upstream.Response) {
	body, ok := resp.Body.(io.ReadSeeker)
	if !ok {
		writeStream(x.w, x.r, resp)
		return
	}
	w := x.count()
	http.ServeContent(w, x.r, "", resp.ModTime, body)
	if w.brokeOff(x.r.Method) {
		panic(http.ErrAbortHandler)
	}
}

// writeStream writes a body that cannot seek, as one from a Fetcher that is
// none of ours.
func writeStream(w http.ResponseWriter, r *http.Request, resp *upstream.Response) {
	if resp.Size > 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(resp.Size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	if n, err := io.Copy(w, resp.Body); err != nil || n < resp.Size {
		panic(http.ErrAbortHandler)
	}
}

// A copier sends files to clients. To a few it copies them through a buffer, which on
// loopback is faster than sendfile, by a third for one client (Linux 6.18): whoever reads
// the bytes finds them in the processor's cache. It takes twice the processor time of
// sendfile, though, so that the kernel sends those to more clients at once than
// copiesPerCore, where it is the faster way.
type copier struct {
	sending atomic.Int32 // large files, in whichever way
	buffers sync.Pool    // of *[]byte
}

// copyBuffer is how much a copier reads at once, in bytes. More is hardly faster, and
// is more than the guard package gives a client the stall timeout for.
const copyBuffer = 256 << 10

// copiesPerCore is to how many clients files are copied. With 4 for each of 2 cores a
// copy was still a tenth faster, with 25 sendfile a quarter.
const copiesPerCore = 4

// bodies is for all handlers: the cores that it looks after are the process's.
var bodies = copier{buffers: sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}}

// copy writes all of r to w, whose ReadFrom is given what is left to the kernel.
func (c *copier) copy(w io.Writer, r io.Reader) (int64, error) {
	if !isLargeFile(r) {
		return io.Copy(w, r)
	}
	defer c.sending.Add(-1)
	if int(c.sending.Add(1)) > copiesPerCore*runtime.GOMAXPROCS(0) {
		return io.Copy(w, r)
	}
	buf := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buf)
	return io.CopyBuffer(writerOnly{w}, readerOnly{r}, *buf)
}

// isLargeFile reports whether r is what [http.ServeContent] makes of a file, and more
// than one buffer of it.
func isLargeFile(r io.Reader) bool {
	part, ok := r.(*io.LimitedReader)
	if !ok || part.N <= copyBuffer {
		return false
	}
	_, ok = part.R.(*os.File)
	return ok
}

// writerOnly and readerOnly keep io.CopyBuffer from taking another way than through the
// buffer.
type (
	writerOnly struct{ io.Writer }
	readerOnly struct{ io.Reader }
)
