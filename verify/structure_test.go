package verify_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A form is content that is said to answer the request with the given key, and
// what must be in the error; a good form has none.
type form struct {
	name, key, content, refused string
}

// checkForms runs forms through CheckStructure and the middleware, over bodies
// that are spooled already and that are not.
func checkForms(t *testing.T, forms []form) {
	t.Helper()
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			dir := useTempDir(t)
			req := request(t, f.key)

			spool := cache.NewSpool(1<<20, dir)
			defer func() { spool.Close(); wantFiles(t, dir, 0) }()
			if _, err := io.WriteString(spool, f.content); err != nil {
				t.Fatal(err)
			}
			if err := spool.Finish(); err != nil {
				t.Fatal(err)
			}
			err := verify.CheckStructure(req, spool)
			if refused := err != nil; refused != (f.refused != "") || refused && !strings.Contains(err.Error(), f.refused) {
				t.Errorf("CheckStructure: %v, want %q", err, f.refused)
			}
			spool.Close()
			wantFiles(t, dir, 0)

			for _, spooled := range []bool{false, true} {
				b := newBody(f.content)
				u := answering(b, int64(len(f.content)))
				if spooled {
					u = verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)})(u)
				}
				f.checkMiddleware(t, u, req)
				if b.closed == 0 {
					t.Error("the source's body is still open")
				}
				wantFiles(t, dir, 0)
			}
		})
	}
}

func (f form) checkMiddleware(t *testing.T, u upstream.Upstream, req upstream.Request) {
	t.Helper()
	resp, err := verify.Structure()(u).Fetch(t.Context(), req)
	if f.refused != "" {
		if err == nil {
			resp.Body.Close()
			t.Fatal("accepted")
		}
		wantBlame(t, err, upstream.Unavailable, "proxy")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := &upstream.Response{Size: int64(len(f.content)), Source: "proxy", Verified: verify.ByStructure}
	if diff := cmp.Diff(want, resp, cmpopts.IgnoreFields(upstream.Response{}, "Body")); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != f.content {
		t.Errorf("body is %d bytes, error %v; want all %d as they were sent", len(got), err, len(f.content))
	}
}

// A body that is spooled already is checked where it is, not copied.
func TestStructureKeepsTheSpool(t *testing.T) {
	dir := useTempDir(t)
	var spool *cache.Spool
	newSpool := func(memory int64) *cache.Spool { spool = cache.NewSpool(memory, dir); return spool }
	u := upstream.Chain(answering(newBody(goodZip(t)), -1), verify.Structure(), verify.Spooled(&verify.SpoolOptions{New: newSpool}))
	resp, err := u.Fetch(t.Context(), request(t, zipKey))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Body.(*cache.SpoolReader).Spool(); got != spool {
		t.Error("the body has another spool")
	}
	wantFiles(t, dir, 1)
}

// A body that breaks off fails before its form is looked at.
func TestStructureSpools(t *testing.T) {
	b := &body{content: strings.NewReader(`{"Version":"v1.0.0"}`), err: io.ErrUnexpectedEOF}
	_, err := verify.Structure()(answering(b, -1)).Fetch(t.Context(), request(t, infoKey))
	wantBlame(t, err, upstream.Unavailable, "proxy")
	if !errors.Is(err, io.ErrUnexpectedEOF) || b.closed == 0 {
		t.Errorf("error is %v, body closed %d times", err, b.closed)
	}
}

func TestStructurePassesErrors(t *testing.T) {
	want := &upstream.Error{Class: upstream.NotFound, Source: "proxy"}
	u := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, want })
	_, err := verify.Structure()(u).Fetch(t.Context(), request(t, zipKey))
	if err != error(want) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// That we cannot look at what was sent is not the source's failure.
func TestStructureCannotLook(t *testing.T) {
	inMemory := func(int64) *cache.Spool { return cache.NewSpool(1 << 20) }
	t.Run("no place for a file", func(t *testing.T) {
		breakTempDir(t)
		for name, spooled := range map[string]upstream.Upstream{
			"not spooled":    answering(newBody(goodZip(t)), -1),
			"held in memory": verify.Spooled(&verify.SpoolOptions{New: inMemory})(answering(newBody(goodZip(t)), -1)),
		} {
			t.Run(name, func(t *testing.T) {
				_, err := verify.Structure()(spooled).Fetch(t.Context(), request(t, zipKey))
				wantBlame(t, err, upstream.Unavailable, "")
			})
		}
	})
	t.Run("a file that was cleaned away", func(t *testing.T) {
		dir := t.TempDir()
		spooled := verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)})(answering(newBody(goodZip(t)), -1))
		u := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			resp, err := spooled.Fetch(ctx, req)
			if err != nil {
				return nil, err
			}
			name, _ := resp.Body.(*cache.SpoolReader).Spool().FileName()
			if err := os.Remove(name); err != nil {
				resp.Body.Close()
				t.Skip("an open file cannot be removed here:", err)
			}
			return resp, nil
		})
		_, err := verify.Structure()(u).Fetch(t.Context(), request(t, zipKey))
		wantBlame(t, err, upstream.Unavailable, "")
	})
}

func TestCheckStructureOfUnfinished(t *testing.T) {
	for _, key := range []string{infoKey, zipKey} {
		spool := cache.NewSpool(1 << 20)
		defer spool.Close()
		io.WriteString(spool, `{"Version":"v1.0.0"}`)
		spool.Fail(io.ErrUnexpectedEOF)
		if err := verify.CheckStructure(request(t, key), spool); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error is %v", key, err)
		}
	}
}
