package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
)

// servingVariable holds, in the environment of a child, what it is to serve.
const servingVariable = "BREAKWATER_SPEED_SERVE"

// A serving says what a child serves: one server for each name in Servers, each at an
// address of its own.
type serving struct {
	Servers []string // "ours", "bare", "file", "copy", "origin"

	Tree   string // a directory laid out like GOMODCACHE/cache/download: the files
	Cache  string // ours: the directory of its store
	From   string // ours: the URL of the proxy that it asks; "": it reads Tree
	Sums   string // ours: a go.sum file that it verifies by; "": nothing is compared
	Stream bool   // ours: cold zips flow to the client while they are downloaded
	Key    string // bare, file, copy: the one file that they serve

	Rate  int // origin: how many bytes it sends in a second, per request; 0: as many as it can
	Delay int // origin: after how many microseconds it begins to answer
}

// serveIfAsked serves until standard input ends, if this process was started for that
// by [startChild]. Its first line of output has the servers' addresses, the others are
// answers to what comes in.
func serveIfAsked(ctx context.Context) (served bool, err error) {
	asked, ok := os.LookupEnv(servingVariable)
	if !ok {
		return false, nil
	}
	var s serving
	if err := json.Unmarshal([]byte(asked), &s); err != nil {
		return true, fmt.Errorf("%s: %w", servingVariable, err)
	}
	return true, s.serve(ctx)
}

func (s serving) serve(ctx context.Context) (err error) {
	var stack closers
	defer func() { err = errors.Join(err, stack.close()) }()
	addresses := map[string]string{}
	for _, name := range s.Servers {
		h, err := s.handler(name, &stack)
		if err != nil {
			return err
		}
		if addresses[name], err = listen(h, &stack); err != nil {
			return err
		}
	}
	return control(ctx, os.Stdin, os.Stdout, addresses)
}

// listen serves h on a free port until the stack is closed.
func listen(h http.Handler, stack *closers) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { server.Serve(l) }) // ends with ErrServerClosed, and only so
	stack.push(func() error {
		err := server.Close()
		wg.Wait()
		return err
	})
	return l.Addr().String(), nil
}

// Closers are functions that undo something, to be called in reverse order.
type closers []func() error

func (c *closers) push(f func() error) { *c = append(*c, f) }

func (c *closers) close() error {
	var errs []error
	for i := range *c {
		errs = append(errs, (*c)[len(*c)-1-i]())
	}
	*c = nil
	return errors.Join(errs...)
}
