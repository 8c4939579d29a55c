package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A quota is a source from which no more than so many bytes come in a day. It
// counts the bodies, as they arrive; those that are on their way when it is used
// up are taken in whole. It forgets when the program ends.
type quota struct {
	source upstream.Upstream
	daily  int64

	mu   sync.Mutex
	day  time.Time // its midnight, in UTC
	used int64     // since then
}

// quotas are those of all sources, in the order of the user's GOPROXY.
type quotas []*quota

// around is middleware that puts a quota of its own around each source.
func (q *quotas) around(daily int64) upstream.Middleware {
	return func(source upstream.Upstream) upstream.Upstream {
		one := &quota{source: source, daily: daily}
		*q = append(*q, one)
		return one
	}
}

// Unwrap is by what upstream.As, and so upstream.Name and all that the Client
// knows of sources, find what is behind the quota.
func (q *quota) Unwrap() upstream.Upstream { return q.source }

// Fetch asks the source while there is something left of the day's bytes. Then
// the error is of class Overloaded, a limit of our own: it does not count as the
// source's failure, and clients are told when to come again.
func (q *quota) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if q.count(0) >= q.daily {
		return nil, &upstream.Error{
			Class: upstream.Overloaded, Request: req, Source: upstream.Name(q),
			Err:        fmt.Errorf("not asked: the %d bytes that it may send today are used up", q.daily),
			RetryAfter: time.Until(today().AddDate(0, 0, 1)),
		}
	}
	resp, err := q.source.Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	resp.Body = countedBody{resp.Body, q}
	return resp, nil
}

// count adds n bytes to those of today and returns how many there are.
func (q *quota) count(n int) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := today(); now.After(q.day) {
		q.day, q.used = now, 0
	}
	q.used += int64(n)
	return q.used
}

func today() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }

type countedBody struct {
	io.ReadCloser
	quota *quota
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.quota.count(n)
	return n, err
}
