package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// handler returns the handler of the server with that name. What it opens is closed
// with the stack.
func (s serving) handler(name string, stack *closers) (http.Handler, error) {
	file := filepath.Join(s.Tree, filepath.FromSlash(s.Key))
	switch name {
	case "ours":
		return s.ours(stack)
	case "bare":
		return bare(file, "text/plain; charset=utf-8")
	case "barest":
		return bare(file, "")
	case "file":
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }), nil
	case "copy":
		return copied(file), nil
	case "origin":
		return newOrigin(s)
	}
	return nil, fmt.Errorf("no such server: %q", name)
}

// buffered is how much net/http keeps of a body whose length it was not told. A longer
// one it would send in chunks.
const buffered = 2048

// bare writes the bytes of a file and, where there is one, its type, and that is all.
// Without a type, net/http has no header to write but its own; it looks at the content
// to guess one.
func bare(file, contentType string) (http.Handler, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	length := []string{strconv.Itoa(len(content))}
	types := []string{contentType}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header()["Content-Type"] = types
		}
		if len(content) > buffered {
			w.Header()["Content-Length"] = length
		}
		w.Write(content)
	}), nil
}

// copyBuffer is the size of the buffers with which copied copies, in bytes.
const copyBuffer = 256 << 10

// copied copies a file through a large buffer that is used again, which on some kernels
// is faster than to have the kernel do it (sendfile). It knows a range from somewhere
// to the end, and no other.
func copied(file string) http.Handler {
	buffers := sync.Pool{New: func() any { return new([copyBuffer]byte) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		if err := beginCopy(w, r, f); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		buffer := buffers.Get().(*[copyBuffer]byte)
		defer buffers.Put(buffer)
		io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{f}, buffer[:])
	})
}

// beginCopy goes to where the copy begins and writes the header.
func beginCopy(w http.ResponseWriter, r *http.Request, f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	begin, status := int64(0), http.StatusOK
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &begin); err == nil {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", begin, size-1, size))
	}
	if _, err := f.Seek(begin, io.SeekStart); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Length", strconv.FormatInt(size-begin, 10))
	w.WriteHeader(status)
	return nil
}
