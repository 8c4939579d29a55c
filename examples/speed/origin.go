package main

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// An origin is a module proxy with its files in memory, which sends them as fast as a
// line of a given rate would, begins as late as one far away would, and counts what it
// was asked for. It tells the number at askedPath.
type origin struct {
	files map[string][]byte // by URL path
	rate  int               // bytes per second and request; 0: no limit
	delay time.Duration
	asked atomic.Int64
}

const askedPath = "/asked"

// newOrigin returns an origin that has read the tree.
func newOrigin(s serving) (*origin, error) {
	o := &origin{files: map[string][]byte{}, rate: s.Rate, delay: time.Duration(s.Delay) * time.Microsecond}
	tree := os.DirFS(s.Tree)
	return o, fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		o.files["/"+filepath.ToSlash(name)], err = fs.ReadFile(tree, name)
		return err
	})
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == askedPath {
		w.Write(strconv.AppendInt(nil, o.asked.Load(), 10))
		return
	}
	o.asked.Add(1)
	content, ok := o.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if o.delay > 0 {
		time.Sleep(o.delay)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	o.send(w, content)
}

// send writes content in pieces, none of which leaves before the line would have sent
// those before it.
func (o *origin) send(w http.ResponseWriter, content []byte) {
	if o.rate == 0 {
		w.Write(content)
		return
	}
	const piece = 64 << 10
	begun, sent := time.Now(), 0
	for len(content) > 0 {
		n := min(piece, len(content))
		if _, err := w.Write(content[:n]); err != nil {
			return // who asked has gone
		}
		content, sent = content[n:], sent+n
		time.Sleep(time.Until(begun.Add(time.Duration(sent) * time.Second / time.Duration(o.rate))))
	}
}
