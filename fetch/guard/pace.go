package guard

import (
	"io"
	"net/http"
	"time"
)

// chunk is how much a client has to take within the stall timeout. It is large
// enough that the kernel copies most of a file in few calls.
const chunk = 256 << 10

// paced gives clients a bounded time for each chunk of an answer, in place of a
// bound on the whole. A client that takes longer is cut off: over HTTP/1 with its
// connection, over HTTP/2 with the one stream.
func paced(next http.Handler, stall time.Duration) http.Handler {
	if stall <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &paceWriter{ResponseWriter: w, control: http.NewResponseController(w), stall: stall}
		// What is still in a buffer is sent when the handler has returned; the
		// server takes the deadline off before the connection's next request.
		defer p.arm()
		next.ServeHTTP(p, r)
	})
}

// paceWriter has a write deadline while something is written, and none while the
// handler is at work: over HTTP/2 a deadline that passes ends the stream, whether
// anything is being written or not.
type paceWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// Unwrap is for [http.ResponseController].
func (w *paceWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A writer that has no deadlines is none of a server's, and cannot stall.
func (w *paceWriter) arm()    { w.control.SetWriteDeadline(time.Now().Add(w.stall)) }
func (w *paceWriter) disarm() { w.control.SetWriteDeadline(time.Time{}) }

func (w *paceWriter) Write(p []byte) (written int, err error) {
	defer w.disarm()
	for {
		w.arm()
		n, err := w.ResponseWriter.Write(p[:min(len(p), chunk)])
		written += n
		if p = p[n:]; err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// FlushError is for [http.ResponseController].
func (w *paceWriter) FlushError() error {
	defer w.disarm()
	w.arm()
	return w.control.Flush()
}

// Flush is [http.Flusher].
func (w *paceWriter) Flush() { w.FlushError() }

// ReadFrom keeps what the server's own ReadFrom is for: that the kernel copies a
// file to the connection. For that it has to see the file itself, behind no more
// than one [io.LimitedReader].
func (w *paceWriter) ReadFrom(src io.Reader) (written int64, err error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(writerOnly{w}, src) // in small parts, through Write
	}
	left := &io.LimitedReader{R: src, N: 1<<63 - 1}
	if limited, ok := src.(*io.LimitedReader); ok {
		left = limited
	}
	defer w.disarm()
	for left.N > 0 {
		w.arm()
		part := &io.LimitedReader{R: left.R, N: min(left.N, chunk)}
		n, err := to.ReadFrom(part)
		written += n
		left.N -= n
		if err != nil || part.N > 0 {
			return written, err
		}
	}
	return written, nil
}

// writerOnly hides ReadFrom from [io.Copy].
type writerOnly struct{ io.Writer }
