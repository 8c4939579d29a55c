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
	seen     string // the content, or why there is none
}

// read reads the file.
func (w *watcher) read() (*fetch.Options, error) {
	content, err := readRegular(w.file)
	if err != nil {
		w.seen = err.Error()
		return nil, err
	}
	w.seen = string(content)
	opts, err := parse(content, w.settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.file, err)
	}
	return opts, nil
}

// readRegular reads a file that has an end: a named pipe, which waits for a writer,
// would keep the program from noticing anything, its own end included.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: put the configuration there", name)
	}
	return os.ReadFile(name)
}

// watch has client work by the file whenever that has changed, until ctx ends. On
// SIGHUP it does so in any case, which begins anew with what is known of sources.
func (w *watcher) watch(ctx context.Context, client *fetch.Client, every time.Duration, hangups <-chan os.Signal) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		asked, seen := false, w.seen
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			asked = true
		case <-ticker.C:
		}
		opts, err := w.read()
		if w.seen == seen && !asked {
			continue
		}
		if err == nil {
			err = client.Reconfigure(opts)
		}
		if err != nil {
			w.log.Printf("the old sources stay: %v", err)
			continue
		}
		w.log.Printf("from now on: %s", strings.Join(client.Sources(), ", "))
	}
}
