package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An s3 is a Bucket that is read by the plain GET of S3's API, which other stores
// speak, too (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
type s3 struct {
	base   string // without a trailing slash
	client *http.Client
}

func newS3(bucket string) (*s3, error) {
	u, err := url.Parse(bucket)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(bucket, "?#") || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it takes the URL of a bucket without credentials, query and fragment, as in https://s3.example/modules")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &s3{strings.TrimRight(u.String(), "/"), &http.Client{Transport: transport}}, nil
}

// Get asks for an object. A status alone does not tell that there is none: without
// the bucket itself, or with a wrong endpoint, it is 404, too. And S3 says 403 of
// what does not exist to those who may not list the bucket (s3:ListBucket), which
// the go command takes for the end of its search: let this program list.
func (s *s3) Get(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	// A "+" in a path, as in v2.0.0+incompatible, is a space to S3.
	escaped := strings.ReplaceAll((&url.URL{Path: key}).EscapedPath(), "+", "%2B")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/"+escaped, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, errors.Unwrap(err) // not the *url.Error: where a redirect led may be signed
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, resp.ContentLength, nil
	}
	defer resp.Body.Close()
	return nil, 0, refusal(resp)
}

// refusal returns the error for a response that is no object.
func refusal(resp *http.Response) error {
	var said struct{ Code string }                                      // NoSuchKey, NoSuchBucket, AccessDenied, SlowDown ...
	_ = xml.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&said) // what is no XML has no code
	switch {
	case resp.StatusCode == http.StatusNotFound && said.Code == "NoSuchKey":
		return fs.ErrNotExist
	case resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%w: status %s, code %q", fs.ErrPermission, resp.Status, said.Code)
	}
	return fmt.Errorf("status %s, code %q", resp.Status, said.Code)
}
