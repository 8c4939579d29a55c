package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSpooledBody(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16) + "." // more than stays in memory
	tests := []struct {
		name, key, content string
		size               int64 // as announced
		memory             int64 // that the spool may take
		files              int
	}{
		{"small", infoKey, "content", 7, 1 << 20, 0},
		{"of unknown size", infoKey, "content", -1, 1 << 20, 0},
		{"of a size not filled in", infoKey, "content", 0, 1 << 20, 0},
		{"empty", "a.example/m/@v/list", "", 0, 1 << 20, 0},
		{"large", modKey, large, int64(len(large)), 1 << 20, 1},
		{"large of unknown size", modKey, large, -1, 1 << 20, 1},
		{"zips are files", zipKey, "PK", 2, 0, 1},
		{"largest allowed", infoKey, large[:1<<20], -1, 1 << 20, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var memory []int64
			newSpool := func(m int64) *cache.Spool { memory = append(memory, m); return cache.NewSpool(m, dir) }
			b := newBody(test.content)
			resp, err := verify.Spooled(&verify.SpoolOptions{New: newSpool})(answering(b, test.size)).Fetch(t.Context(), request(t, test.key))
			if err != nil {
				t.Fatal(err)
			}
			if b.closed == 0 {
				t.Error("the source's body is still open")
			}
			if diff := cmp.Diff([]int64{test.memory}, memory); diff != "" {
				t.Errorf("memory for spools (-want +got):\n%s", diff)
			}
			wantFiles(t, dir, test.files)
			if resp.Size != int64(len(test.content)) {
				t.Errorf("size is %d, want %d", resp.Size, len(test.content))
			}
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != test.content {
				t.Errorf("read %d bytes, error %v; want %d", len(got), err, len(test.content))
			}
			body := resp.Body.(*cache.SpoolReader)
			if _, err := body.Seek(0, io.SeekStart); err != nil {
				t.Error(err)
			}
			// TestReader reads, seeks and reads at offsets, in all ways and slowly.
			if len(test.content) < 100 {
				if err := iotest.TestReader(body, []byte(test.content)); err != nil {
					t.Error(err)
				}
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// What else the source said goes through, and the source's own is not changed.
func TestSpooledKeepsTheResponse(t *testing.T) {
	modTime := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	from := upstream.Response{Body: newBody("content"), Size: -1, ModTime: modTime, Source: "proxy", Origin: "first"}
	given := from
	u := verify.Spooled(nil)(upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &given, nil
	}))
	resp, err := u.Fetch(t.Context(), request(t, infoKey))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := from
	want.Size = 7
	if diff := cmp.Diff(&want, resp, cmpopts.IgnoreFields(upstream.Response{}, "Body")); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if given.Body != from.Body || given.Size != -1 {
		t.Error("the source's response was changed")
	}
}

func TestSpooledRefuses(t *testing.T) {
	tests := []struct {
		name, key string
		content   io.Reader
		err       error // at the content's end
		size      int64 // as announced
		class     upstream.Class
		text      string // in the error
	}{
		{"truncated", infoKey, strings.NewReader("conte"), nil, 7, upstream.Unavailable, "body has 5 bytes, 7 were announced"},
		{"truncated zip", zipKey, strings.NewReader("PK"), nil, 7, upstream.Unavailable, "body has 2 bytes, 7 were announced"},
		{"missing", infoKey, strings.NewReader(""), nil, 7, upstream.Unavailable, "body has 0 bytes, 7 were announced"},
		{"too long", infoKey, strings.NewReader("content and more"), nil, 7, upstream.Unavailable, "body has 16 bytes, 7 were announced"},
		{"breaks off", infoKey, strings.NewReader("conte"), io.ErrUnexpectedEOF, 7, upstream.Unavailable, "unexpected EOF"},
		{"breaks off, of unknown size", zipKey, strings.NewReader("conte"), io.ErrUnexpectedEOF, -1, upstream.Unavailable, "unexpected EOF"},
		{"breaks off at the end", infoKey, strings.NewReader("content"), io.ErrUnexpectedEOF, 7, upstream.Unavailable, "unexpected EOF"},
		{"stalls", modKey, strings.NewReader("conte"), &upstream.Error{Class: upstream.Timeout, Request: request(t, modKey), Source: "proxy"}, 7, upstream.Timeout, "timeout"},
		{"meets a deadline", modKey, strings.NewReader("conte"), context.DeadlineExceeded, 7, upstream.Timeout, "deadline"},
		{"a missing file is not a missing module", modKey, strings.NewReader("conte"), fs.ErrNotExist, 7, upstream.Unavailable, "file does not exist"},
		{"without end", infoKey, zeros{}, nil, -1, upstream.Unavailable, "larger than the 1048576 bytes allowed"},
		{"larger than allowed, as announced", infoKey, zeros{}, nil, 1 << 40, upstream.Unavailable, "larger than the 1048576 bytes allowed"},
		{"larger than announced and allowed", infoKey, zeros{}, nil, 7, upstream.Unavailable, "larger than the 1048576 bytes allowed"},
		{"larger by one", infoKey, io.LimitReader(zeros{}, 1<<20+1), nil, 1<<20 + 1, upstream.Unavailable, "larger than the 1048576 bytes allowed"},
		{"larger than a go.mod may be", modKey, zeros{}, nil, -1, upstream.Unavailable, "larger than the 16777216 bytes allowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			b := &body{content: test.content, err: test.err}
			req := request(t, test.key)
			resp, err := verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)})(answering(b, test.size)).Fetch(t.Context(), req)
			if err == nil {
				resp.Body.Close()
				t.Fatal("accepted")
			}
			wantBlame(t, err, test.class, "proxy")
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v, want %q", err, test.text)
			}
			if b.closed == 0 {
				t.Error("the source's body is still open")
			}
			if limit := req.Kind().MaxSize() + 1; b.read > limit {
				t.Errorf("%d bytes were read, want %d at most", b.read, limit)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// That we cannot keep a download is not the source's failure.
func TestSpooledCannotKeep(t *testing.T) {
	finished := func(int64) *cache.Spool {
		s := cache.NewSpool(1 << 20)
		s.Finish()
		return s
	}
	closed := func(memory int64) *cache.Spool {
		s := cache.NewSpool(memory)
		s.Close()
		return s
	}
	onBadDisk := func(memory int64) *cache.Spool { return cache.NewSpool(memory, "missing") }
	tests := []struct {
		name, key, content string
		newSpool           func(int64) *cache.Spool
	}{
		{"finished spool", infoKey, "content", finished},
		{"closed spool", infoKey, "content", closed},
		{"closed spool, nothing to write", "a.example/m/@v/list", "", closed},
		{"no place for a file", zipKey, "PK", onBadDisk},
		{"no place for a large file", modKey, strings.Repeat("x", 1<<20+1), onBadDisk},
		{"no place for the default spool", zipKey, "PK", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			breakTempDir(t)
			b := newBody(test.content)
			_, err := verify.Spooled(&verify.SpoolOptions{New: test.newSpool})(answering(b, int64(len(test.content)))).Fetch(t.Context(), request(t, test.key))
			wantBlame(t, err, upstream.Unavailable, "")
			if b.closed == 0 {
				t.Error("the source's body is still open")
			}
		})
	}
}

// A source's error is not touched, and nothing is prepared for a body.
func TestSpooledPassesErrors(t *testing.T) {
	want := &upstream.Error{Class: upstream.NotFound, Source: "proxy"}
	u := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, want })
	newSpool := func(int64) *cache.Spool { t.Error("a spool was made"); return cache.NewSpool(0) }
	if _, err := verify.Spooled(&verify.SpoolOptions{New: newSpool})(u).Fetch(t.Context(), request(t, zipKey)); err != error(want) {
		t.Errorf("error is %v", err)
	}
}

// The body belongs to whoever holds it, not to the call that fetched it.
func TestSpooledOutlivesTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := verify.Spooled(nil)(answering(newBody("content"), 7)).Fetch(ctx, request(t, zipKey))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "content" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestSpooledManyAtOnce(t *testing.T) {
	const many = 64
	dir := t.TempDir()
	u := verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)})(upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		content := strings.Repeat(req.Module(), 20_000)
		return &upstream.Response{Body: newBody(content), Size: int64(len(content)), Source: "proxy"}, nil
	}))
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			key := fmt.Sprintf("a.example/m%d/@v/v0.1.0.%s", i/2, []string{"zip", "mod"}[i%2])
			resp, err := u.Fetch(t.Context(), request(t, key))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			want := bytes.Repeat([]byte(request(t, key).Module()), 20_000)
			if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, error %v; want %d bytes", key, len(got), err, len(want))
			}
		})
	}
	all.Wait()
	wantFiles(t, dir, 0)
}

func TestSpooledUnwraps(t *testing.T) {
	src := upstream.FS("named", nil)
	for name, m := range map[string]upstream.Middleware{"spooled": verify.Spooled(nil), "structure": verify.Structure()} {
		if got := upstream.Name(m(src)); got != "named" {
			t.Errorf("%s: name is %q, want the source's", name, got)
		}
	}
}
