package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

// A plainClient downloads files as net/http's client does it, one after the other, to a
// directory, or without one only reads them. They are not synced to the disk.
type plainClient struct {
	dir    string
	client *http.Client
}

func newPlainClient(dir string) *plainClient {
	return &plainClient{dir, &http.Client{Transport: &http.Transport{}}}
}

func (p *plainClient) close() { p.client.CloseIdleConnections() }

func (p *plainClient) download(ctx context.Context, url string) (err error) {
	body, size, err := get(ctx, p.client, url)
	if err != nil {
		return err
	}
	defer body.Close()
	to := io.Discard
	if p.dir != "" {
		file, err := os.CreateTemp(p.dir, "*")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		to = file
	}
	n, err := io.Copy(to, body)
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes of %d", n, size)
	}
	return err
}

// get asks for a URL and returns the body of the answer and how long it says that is.
func get(ctx context.Context, c *http.Client, url string) (body io.ReadCloser, size int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, 0, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return resp.Body, resp.ContentLength, nil
}

// asked returns how many requests an origin has had.
func asked(ctx context.Context, origin *child) (n int, err error) {
	body, _, err := get(ctx, http.DefaultClient, origin.url("origin", askedPath[1:]))
	if err != nil {
		return 0, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}
