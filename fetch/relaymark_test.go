package fetch_test

import (
	archive "archive/zip"
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// The mark of the end of a zip is held back also where its first bytes came from one
// source, which went on with others, and the rest comes from the next. Two sources that
// are in league have the client hold a zip that opens, and that nobody has verified.
func TestMarkSplitOverTwoSources(t *testing.T) {
	evil := largeZip(t, 1)
	end := bytes.LastIndex(evil, []byte(endOfZip))
	const maxZipEnd = 22 + 1<<16 - 1
	for split := 1; split <= 3; split++ {
		first := append(bytes.Clone(evil[:end+split]), "xyz"...)
		until := len(first)
		first = append(first, make([]byte, len(evil)+maxZipEnd+3-until)...)
		one := newTap("one", first, until)
		one.fails = io.ErrUnexpectedEOF
		second := append(bytes.Clone(evil), make([]byte, maxZipEnd+3)...)
		other := newTap("other", second, len(second)-1)
		rec := newRecords()
		url, _, _ := streamWith(t, largeZip(t, 2), fetch.HandlerOptions{Access: rec.options().Access}, nil, one, other)
		resp, head := begin(t, url, end+split)
		close(one.open)
		time.AfterFunc(300*time.Millisecond, func() { close(other.open) })
		rest, err := io.ReadAll(resp.Body)
		if err == nil {
			t.Error("it did not break off")
		}
		got := append(head, rest...)
		if bytes.Contains(got, []byte(endOfZip)) {
			t.Errorf("split after %d: the mark was sent, in %d bytes", split, len(got))
		}
		if r, err := archive.NewReader(bytes.NewReader(got), int64(len(got))); err == nil {
			t.Errorf("split after %d: what the client holds opens as a zip with %d files", split, len(r.File))
		}
		<-rec.done
	}
}

// twoFaced is a source that is another one from the second call on.
type twoFaced struct {
	one, other *tap
	calls      atomic.Int64
}

func (s *twoFaced) Name() string { return "two-faced" }

func (s *twoFaced) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if s.calls.Add(1) == 1 {
		return s.one.Fetch(ctx, req)
	}
	return s.other.Fetch(ctx, req)
}

// One source does, where it is asked again.
func TestMarkSplitOverTwoTries(t *testing.T) {
	evil := largeZip(t, 1)
	end := bytes.LastIndex(evil, []byte(endOfZip))
	const maxZipEnd = 22 + 1<<16 - 1
	first := append(bytes.Clone(evil[:end+1]), "xyz"...)
	until := len(first)
	first = append(first, make([]byte, len(evil)+maxZipEnd+3-until)...)
	s := &twoFaced{one: newTap("", first, until), other: newTap("", append(bytes.Clone(evil), make([]byte, maxZipEnd+3)...), len(evil)+maxZipEnd)}
	s.one.fails = io.ErrUnexpectedEOF
	c := newClient(t, fetch.Options{
		Upstream: s, GoSum: vouch(t, largeZip(t, 2)), CacheDir: t.TempDir(), Retry: &breaker.RetryOptions{}, // the defaults
	})
	resp, head := begin(t, serve(t, fetch.NewHandler(c, relaying))+"/"+largeKey, end+1)
	close(s.one.open)
	time.AfterFunc(2*time.Second, func() { close(s.other.open) })
	rest, _ := io.ReadAll(resp.Body)
	got := append(head, rest...)
	if r, err := archive.NewReader(bytes.NewReader(got), int64(len(got))); err == nil {
		t.Errorf("what the client holds opens as a zip with %d files", len(r.File))
	}
}
