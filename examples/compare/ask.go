package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// An answer is what a proxy answers to a plain request.
type answer struct {
	status  int
	content []byte
}

// ask sends a request as the go command does. There is an answer, or Said says why not.
func (s *stage) ask(ctx context.Context, path string) (answer, attempt) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begun := time.Now()
	got, err := s.get(ctx, path)
	a := attempt{Right: err == nil, Seconds: time.Since(begun).Seconds(), Said: strconv.Itoa(got.status)}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		a.Said = gaveUp
	case err != nil:
		a.Said = "connection broken"
	}
	return got, a
}

func (s *stage) get(ctx context.Context, path string) (got answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return got, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	got.status = resp.StatusCode
	got.content, err = io.ReadAll(resp.Body)
	return got, err
}

// has asks for a file and compares it with what there is.
func (s *stage) has(ctx context.Context, path string) attempt {
	got, a := s.ask(ctx, path)
	if !a.Right || got.status != http.StatusOK {
		a.Right = false
		return a
	}
	if a.Right = equal(path, got.content, s.catalog.files[path]); !a.Right {
		a.Said = "200 with something else"
	}
	return a
}

// equal compares the content of a file. Proxies may write lists and .info files in their
// own words: there, what counts is that the version is in it.
func equal(path string, got, want []byte) bool {
	switch path[len(path)-4:] {
	case ".mod", ".zip":
		return bytes.Equal(got, want)
	}
	return bytes.Contains(got, []byte(moduleVersion)) && !bytes.Contains(got, []byte("<"))
}

// confesses asks for a file that cannot be had, and is right if the answer says that this
// is so now, not that there is no such file.
func (s *stage) confesses(ctx context.Context, path string) attempt {
	got, a := s.ask(ctx, path)
	a.Right = a.Right && got.status >= 500
	if got.status == http.StatusNotFound || got.status == http.StatusGone {
		a.Said += ", as if it did not exist"
	}
	return a
}
