package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// looking is a Verifier that finds out what is known of a zip when it is to be
// checked, and spoils the file's entries then: what is read again is damaged.
type looking struct {
	knowing
	spoil bool
	known []int
}

func (l *looking) Check(m module.Version, kind upstream.Kind, content io.ReaderAt, size int64, want verify.Sums) error {
	l.known = append(l.known, verify.Known(content))
	if l.spoil {
		name, err := content.(interface{ Spool() *cache.Spool }).Spool().FileName()
		if err != nil {
			return err
		}
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := file.WriteAt(make([]byte, 1000), 100); err != nil { // in the first entry's data
			return err
		}
	}
	return l.knowing.Check(m, kind, content, size, want)
}

// sourcesZip is a zip that is worth hashing on the way: it has as many entries.
func sourcesZip(t testing.TB, entries int) string {
	t.Helper()
	content := zipOf(t, sources(entries, 800<<10/entries)...)
	if len(content) < 256<<10 {
		t.Fatalf("%d bytes are too few", len(content))
	}
	return content
}

func TestChecksumsHashOnTheWay(t *testing.T) {
	large, small := sourcesZip(t, 20), zipOf(t, sources(20, 1000)...)
	for _, test := range []struct {
		name, content string
		size          int // as announced
		known         int
	}{
		{"large", large, len(large), 20},
		{"large, of unknown size", large, -1, 20},
		{"small", small, len(small), -1},
		{"small, of unknown size", small, -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			v := &looking{knowing: knowing{sums: sumsOf(t, test.content, honestMod)}, spoil: test.known > 0}
			u := checked(answering(newBody(test.content), int64(test.size)), dir)
			resp, err := u.Fetch(asking(t.Context(), v), request(t, zipKey))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if diff := cmp.Diff([]int{test.known}, v.known); diff != "" || resp.Verified != verify.ByVerifier {
				t.Errorf("verified %q; entries known (-want +got):\n%s", resp.Verified, diff)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// That it arrived well does not help a zip that is not the one that is expected.
func TestChecksumsOnTheWayRefuse(t *testing.T) {
	content, other := sourcesZip(t, 20), sourcesZip(t, 30)
	dir := t.TempDir()
	v := &looking{knowing: knowing{sums: sumsOf(t, other, honestMod)}}
	_, err := checked(answering(newBody(content), -1), dir).Fetch(asking(t.Context(), v), request(t, zipKey))
	wantBlame(t, err, upstream.Untrusted, "proxy")
	mismatch, _ := errors.AsType[*verify.MismatchError](err)
	if want := sumsOf(t, content, honestMod).Zip[0]; mismatch == nil || mismatch.Got != want || v.known[0] != 20 {
		t.Errorf("%v, with %v known; want it to have %s", err, v.known, want)
	}
	wantFiles(t, dir, 0)
}

// Who wanted to know of arrivals before hears of them still.
func TestChecksumsPassOnArrivals(t *testing.T) {
	content := sourcesZip(t, 20)
	told := 0
	ctx := verify.WithArrivals(t.Context(), func(verify.Arrival) { told++ })
	v := &looking{knowing: knowing{sums: sumsOf(t, content, honestMod)}}
	resp, err := checked(answering(newBody(content), -1), t.TempDir()).Fetch(asking(ctx, v), request(t, zipKey))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if told != 1 || v.known[0] != 20 {
		t.Errorf("told %d times, %d entries known", told, v.known[0])
	}
}

// A zip that comes in pieces is hashed as one, wherever they are from; one that
// begins anew is hashed anew.
func TestChecksumsOnTheWayInPieces(t *testing.T) {
	content := sourcesZip(t, 20)
	half := []int64{int64(len(content) / 2)}
	changed := func(o *zipOrigin, n int) { o.etag = []string{`"a"`, `"b"`, `"b"`}[n] }
	for _, test := range []struct {
		name    string
		origins []*zipOrigin
	}{
		{"it goes on", []*zipOrigin{{content: content, etag: `"a"`, breaks: half}}},
		{"it begins anew", []*zipOrigin{{content: content, breaks: half, turn: changed}}},
		{"another goes on", []*zipOrigin{{content: content, etag: `"a"`, breaks: append(half, 0, 0)}, {content: content, etag: `"a"`}}},
		{"another begins anew", []*zipOrigin{{content: content, etag: `"a"`, breaks: append(half, 0, 0)}, {content: content, etag: `"b"`}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			v := &looking{knowing: knowing{sums: sumsOf(t, content, honestMod)}, spoil: true}
			req := request(t, zipKey)
			ctx, salvage := verify.WithSalvage(asking(t.Context(), v), req)
			var resp *upstream.Response
			var err error
			for i, o := range test.origins {
				name := fmt.Sprintf("mirror%d.example", i)
				if resp, err = checked(o.source(t, name), dir).Fetch(ctx, req); err == nil {
					resp.Body.Close()
				} else if i == len(test.origins)-1 {
					t.Fatal(err)
				}
			}
			salvage.Close()
			if diff := cmp.Diff([]int{20}, v.known); diff != "" {
				t.Errorf("entries known (-want +got):\n%s", diff)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// announcing announces spools before it fetches and after, as a source may that
// fetches by way of another Spooled, or for somebody else.
func announcing(next upstream.Upstream, before, after verify.Arrival) upstream.Upstream {
	return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		verify.ArrivalsOf(ctx)(before)
		resp, err := next.Fetch(ctx, req)
		verify.ArrivalsOf(ctx)(after)
		return resp, err
	})
}

// What is announced besides, or too late, is of no use, and no harm.
func TestChecksumsOfOtherArrivals(t *testing.T) {
	content := sourcesZip(t, 20)
	synctest.Test(t, func(t *testing.T) {
		never := cache.NewSpool(0, t.TempDir())
		other := request(t, "a.example/other/@v/v1.0.0.zip")
		req := request(t, zipKey)
		dir := t.TempDir()
		var late func(verify.Arrival)
		source := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			late = verify.ArrivalsOf(ctx)
			return &upstream.Response{Body: newBody(content), Source: "proxy"}, nil
		})
		spooled := verify.Structure()(verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)})(source))
		u := verify.Checksums()(announcing(spooled, verify.Arrival{Request: req, Spool: never}, verify.Arrival{Request: other, Spool: never}))
		v := &looking{knowing: knowing{sums: sumsOf(t, content, honestMod)}, spoil: true}
		resp, err := u.Fetch(asking(context.Background(), v), req) // nothing that is left would be ended by it
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if v.known[0] != 20 {
			t.Errorf("%d entries known", v.known[0])
		}
		late(verify.Arrival{Request: req, Spool: never})
		wantFiles(t, dir, 0)
	})
}

// stalling is a body that sends nothing after its content until it is closed.
type stalling struct {
	content io.Reader
	closed  chan struct{}
}

func (s *stalling) Read(p []byte) (int, error) {
	if n, err := s.content.Read(p); err == nil {
		return n, nil
	}
	<-s.closed
	return 0, os.ErrClosed
}

func (s *stalling) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

// Who gives up waits for nobody, and leaves nothing: the bubble ends when no
// goroutine is left in it.
func TestChecksumsOnTheWayGivenUp(t *testing.T) {
	content := sourcesZip(t, 20)
	for _, length := range []int{0, 1000, len(content) / 2, len(content) - 1} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			b := &stalling{strings.NewReader(content[:length]), make(chan struct{})}
			done := make(chan error)
			go func() {
				_, err := checked(answering(b, int64(len(content))), dir).Fetch(asking(ctx, &knowing{sums: verify.Sums{Zip: []string{"h1:x"}}}), request(t, zipKey))
				done <- err
			}()
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("after %d bytes: %v", length, err)
			}
			wantFiles(t, dir, 0)
		})
	}
}
