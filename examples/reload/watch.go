package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// A watcher looks after a configuration file. It compares the content, which is
// right however the file is replaced, and however coarse the clock of files is.
type watcher struct {
	file     string
	settings fetch.GoSettings // for what the file does not say
	log      *log.Logger
	seen     string // the content, and why there is none
}

// read reads the file. What is no regular file is not opened: a named pipe, which
// waits for a writer, would keep the program from noticing its own end.
func (w *watcher) read() (*fetch.Options, error) {
	var content []byte
	info, err := os.Stat(w.file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file: put the configuration there", w.file)
	}
	if err == nil {
		content, err = os.ReadFile(w.file)
	}
	w.seen = fmt.Sprintf("%s%v", content, err)
	if err != nil {
		return nil, err
	}
	return parse(content, w.settings)
}

// watch has client work by the file whenever that has changed, until ctx ends.
func (w *watcher) watch(ctx context.Context, client *fetch.Client, every time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		seen := w.seen
		opts, err := w.read()
		if w.seen == seen {
			continue
		}
		if err == nil {
			err = client.Reconfigure(opts)
		}
		if err != nil {
			w.log.Printf("the old sources stay: %s: %v", w.file, err)
			continue
		}
		w.log.Printf("from now on: %s", strings.Join(client.Sources(), ", "))
	}
}
